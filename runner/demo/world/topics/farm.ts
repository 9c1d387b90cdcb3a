import type { Topic } from './topic.ts';

export const farm: Topic = {
  name: 'farm',
  places: ['the farm', 'the barn', 'the meadow', 'the stable', 'the wheat field'],
  things: ['bucket', 'plough', 'saddle', 'cart', 'fork', 'bell', 'sack'],
  adjectives: ['heavy', 'old', 'iron', 'wooden', 'empty', 'full', 'borrowed', 'strong'],
  goods: ['eggs', 'potatoes', 'pears', 'boxes', 'loaves', 'apples'],
  wants: [
    '{A} <have> to bring in the harvest before the rain <it.come>.',
    '{A} <buy> a {beast} from {B.obj} for {n} coins.',
    '{A} <get> up at {m} every morning to feed the {beast} and fetch {T.a}.',
    '{A} <look> for the {beast}, which <it.have> run away from {P}.',
    '{A} and {B} <they.own> {P} together, with {n} hens and one {beast}.',
  ],
  steps: [
    [
      '{A~} <fill> {T} at the well and <carry> it to {P}.',
      'The {beast} <it.look> at {A.obj} and <it.not.move>.',
      '{B} <B.load> {n} {G} on the cart and <tie> them down.',
      '{A~} <open> the gate [slowly], and the {beast} <it.come> out.',
    ],
    [
      '"How many eggs are there today?" {B} <ask>. "{n}," {A} <say>, "and {m} of them are brown."',
      '"The {beast} is (+well|+happy|-ill|-hungry) today," {B} <say> and <touch> its ear.',
      '{B} <not.know> how to milk a cow, so {A} <show> it [slowly].',
      'They <they.sell> {m} of the {n} {G}, and the other {r} <they.be> for winter.',
      '{C} <C.ride> past on a pony and <call>, "(Good morning!|A storm is coming!|Have you seen my dog?)"',
    ],
    [
      'At noon they <they.sit> in the shade of {P} and <they.eat> {food}.',
      '{A~} <leave> {T} {spot}, as always.',
      'A fox <it.sneak> around the henhouse, but the dog <it.be> awake.',
      '{B} <B.sing>, and the {beast} <it.seem> to like it.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'In the morning the {beast} <it.lie> on the ground and <it.not.eat>.',
        'One evening the {beast} <it.not.come> home.',
      ],
      because: [
        'It <it.have> eaten too many green apples.',
        'The gate of {P} <it.have> stood open all night.',
      ],
      good: [
        '{B} <B.sit> with it until dawn, and then it <it.get> up.',
        '{C} <C.have> found it at the bridge and <lead> it back.',
      ],
      bad: [
        'They <they.do> all they <they.can>, but it <it.die> in the night.',
        'They <they.find> only the tracks of a wolf.',
      ],
    },
    {
      trouble: [
        'Black smoke <it.rise> from {P}.',
        'The cart <it.turn> over on the hill, and everything <it.roll> down.',
      ],
      because: ['Lightning <it.have> struck the roof.', 'One of its {m} wheels <it.be> loose.'],
      good: [
        'The neighbours <they.come> with {n} buckets, and {P} <it.be> saved.',
        'Everybody on the road <it.help> to pick up the {G}.',
      ],
      bad: [
        'The harvest <it.burn>, and {T} with it.',
        'The {G} <they.be> crushed, and a year of work <it.be> lost.',
      ],
    },
  ],
  ends: {
    good: [
      'That winter there <it.be> enough to eat for everybody at {P}.',
      '{A} <pat> the {beast} and <be> [glad].',
      '"It is a good farm," {B} <B.say>, "and you are a good farmer."',
    ],
    bad: [
      '{A} <have> to sell {P} and <move> to {town2}.',
      'It <it.be> a hungry winter, and they <they.be> [sad].',
      '"I have had enough of this farm," {B} <B.say>.',
    ],
  },
};
