import type { Topic } from './topic.ts';

export const storm: Topic = {
  name: 'storm',
  places: ['the river', 'the mill', 'the hill', 'the roof', 'the dam'],
  things: ['lantern', 'shovel', 'raincoat', 'ladder', 'stove', 'boat', 'axe'],
  adjectives: ['old', 'heavy', 'big', 'wet', 'iron', 'good', 'yellow', 'broken'],
  goods: ['candles', 'boxes', 'ropes', 'stones', 'loaves', 'nails'],
  wants: [
    'The radio <it.warn> of a storm, and {A} <want> to bring {T} to safety.',
    '{A} <live> close to {P} and <watch> the water rise from hour to hour.',
    '{A} <have> only {m} {G} in the house when the lights <they.go> out.',
    'It <it.have> not rained for {n} weeks, and {A} <look> at the sky every morning.',
    '{A} <promise> {B.obj} to look after {P} during the storm, with {T.a} and {n} {G}.',
  ],
  steps: [
    [
      'The clouds over {P} <they.turn> (black|yellow|dark green), and the birds <they.be> silent.',
      '{A~} <nail> boards over the windows and <need> {n} nails for each.',
      '{A~} <carry> {T} into the house and <lock> the door.',
      'The first drops <they.fall>, as big as (coins|cherries|plums).',
    ],
    [
      '"Did you hear that?" {B} <ask>. "(It was only the wind|It came from {P}|Yes, thunder)," {A} <say>.',
      '{B} <B.count> the seconds between the lightning and the thunder: {n}, then {m}.',
      '"Is the cellar dry?" {B} <ask>. "(Yes|Not for long|No, the water is up to my knees)," {A} <answer>.',
      'They <they.light> {m} of the {n} {G}, so {r} <they.be> left for the night.',
      '{C} <C.come> in from the dark with wet hair and <ask> for shelter.',
    ],
    [
      '{A~} <cook> {food} on the small stove, and they <they.eat> it in the dark.',
      'Somewhere a tree <it.fall>, and the whole house <it.shake>.',
      '{B} <B.not.be> afraid and <tell> one story after another.',
      'Before dawn the wind <it.turn> to the (north|south|east|west).',
    ],
  ],
  troubles: [
    {
      trouble: ['Then the water <it.come> under the door.', 'With a crash part of the roof <it.fly> away.'],
      because: ['The dam above {town} <it.have> broken.', 'Nobody <it.have> mended it after the last storm.'],
      good: [
        'They <they.fill> {n} sacks with sand, and the house <it.stay> dry.',
        'The neighbours <they.take> them in and <they.give> them dry clothes.',
      ],
      bad: [
        'By morning the house <it.be> full of mud, and {T} <it.be> gone.',
        'They <they.sit> on a table in the cold water until help <it.come>.',
      ],
    },
    {
      trouble: ['{B} <B.go> out to look for {C.obj} and <not.come> back.', 'The light on {P} <it.go> out.'],
      because: ['A tree <it.have> fallen across the road.', 'The rain <it.have> put out the fire.'],
      good: [
        '{A~} <take> the lantern, <follow> the wall and <find> {B.obj} safe in a barn.',
        'At sunrise the storm <it.be> over, and all of them <they.be> alive.',
      ],
      bad: [
        '{A~} <call> all night, but only the wind <it.answer>.',
        'They <they.find> {B.obj} in the morning with a broken arm.',
      ],
    },
  ],
  ends: {
    good: [
      'In the morning the sun <it.shine> on {P} as if nothing <it.have> happened.',
      '{A} <open> all the windows and <be> [glad].',
      '"We were lucky," {B} <B.say>, and they <they.drink> tea with {C.obj}.',
    ],
    bad: [
      'It <it.take> {n} months to build everything up again.',
      '{A} <look> at what <it.be> left of {P} and <be> [sad].',
      '"We should have left in time," {B} <B.say>.',
    ],
  },
};
