import type { Topic } from './topic.ts';

export const harbour: Topic = {
  name: 'harbour',
  places: ['the harbour', 'the pier', 'the lighthouse', 'the beach', 'the ferry'],
  things: ['boat', 'net', 'lantern', 'rope', 'oar', 'anchor', 'flag'],
  adjectives: ['old', 'heavy', 'blue', 'long', 'new', 'broken', 'borrowed', 'narrow', 'wet'],
  goods: ['shells', 'ropes', 'boxes', 'fish', 'stones', 'candles'],
  wants: [
    '{A} <want> to row out to the island before the tide <it.turn>.',
    '{A} <have> promised {B.obj} {m} {G} from the sea, and {T.a} <it.be> all that {A.he} <have>.',
    '{A} <work> at {P}, where {A.he} <have> to mend {T.a} before the evening.',
    '{A} and {B} <they.wait> at {P} for the ship from {town2}, which <it.bring> {n} {G}.',
    '{A} <dream> of the open sea, but {A.he} <own> nothing but {T.a}.',
  ],
  steps: [
    [
      '{A~} <tie> {T} to the pier with (a double knot|a short rope|both hands).',
      'The water <it.be> (still|rough|green|dark and cold), and gulls <they.cry> over {P}.',
      '{B} <B.carry> {n} boxes on board and <set> them down (next to {T}|[slowly]).',
      '{A~} <look> at the (waves|clouds|sky) and <say> that the sea <it.be> (+calm enough|-too rough).',
    ],
    [
      '"Hold the rope," {A} <say>, and {B} <hold> it [slowly].',
      'They <they.row> past the lighthouse and <they.count> {n} white sails.',
      '"Did you bring {T}?" {B} <ask>. "(Yes, it is in the boat|No, I left it at {P}|Of course I did)," {A} <say>.',
      'An hour later they <they.have> caught {n} fish; {B} <throw> the {m} smallest back, so {r} <they.remain>.',
      'A (captain|sailor|fisher) from {town2} <it.wave> at them and <it.warn> them of the rocks.',
    ],
    [
      'Near the rocks {B} <hear> a bell and <B.point> to the east.',
      '{A~} <pull> {T} out of the water, and it <it.be> full of (weeds|fish|sand and shells).',
      '{B} <teach> {A.obj} the knot that {B.his} father <it.use> at sea.',
      'They <they.eat> {food} in the boat, and {B} <tell> an old story about a whale.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'Suddenly the boat <it.begin> to fill with water.',
        'Then {B} <see> water between the boards of the boat.',
      ],
      because: [
        'It <it.have> hit a rock below the surface.',
        'Nobody <it.have> mended the hole from last winter.',
      ],
      good: [
        '{A~} <stop> the hole with {A.his} scarf while {B} <row> to the beach.',
        '{C} <C.come> in a larger boat and <pull> them back to {P}.',
      ],
      bad: [
        'They <they.have> to swim, and {T} <it.sink> to the bottom of the sea.',
        'They <they.reach> the beach cold and wet, and the boat <it.be> lost.',
      ],
    },
    {
      trouble: [
        'When they <they.look> up, {P} <it.be> gone: they <they.can> see nothing but grey.',
        'The light of the lighthouse <it.go> out, and it <it.be> dark all around them.',
      ],
      because: [
        'A thick fog <it.have> come in from the sea.',
        'The keeper of the lighthouse <it.be> asleep.',
      ],
      good: [
        '{C} <C.ring> the bell on the pier again and again, and they <they.follow> the sound home.',
        '{A~} <light> the lantern, and a fisher <it.see> it and <it.lead> them in.',
      ],
      bad: [
        'They <they.row> in a circle all night, and nobody <it.hear> them call.',
        'The boat <it.run> on the rocks, and {T} <it.break> in two.',
      ],
    },
  ],
  ends: {
    good: [
      'In the evening {T} <it.lie> safe at {P}, and they <they.fry> the fish over a fire.',
      '"The sea was kind to us today," {B} <B.say>.',
      '{A} <be> tired but [glad], and <smell> of salt.',
    ],
    bad: [
      '{A} <sit> on {P} and <look> at the water, too [sad] to speak.',
      '"I will not go out with you again," {B} <B.say>.',
      'Without {T} there <it.be> no work for {A.obj} the next day.',
    ],
  },
};
