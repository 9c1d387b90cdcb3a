import type { Topic } from './topic.ts';

export const garden: Topic = {
  name: 'garden',
  places: ['the garden', 'the orchard', 'the greenhouse', 'the park', 'the rose bed'],
  things: ['spade', 'rake', 'watering can', 'ladder', 'wheelbarrow', 'flower pot', 'bench'],
  adjectives: ['rusty', 'wooden', 'small', 'green', 'old', 'heavy', 'borrowed', 'new', 'long'],
  goods: ['roses', 'cherries', 'plums', 'pears', 'potatoes', 'tomatoes', 'apples'],
  wants: [
    '{A} <want> to plant {n} {G.one} trees in {P}, but {A.he} <have> only {T.a}.',
    '{A} <work> in {P} every day, and {T.a} always <it.stand> beside {A.him}.',
    '{A} <have> promised {B.obj} a basket of {G} from {P}.',
    'The {G} in {P} <they.be> ripe, and {A} <need> {T.a} to bring them in.',
    '{A} <rent> a corner of {P} from {B.obj} for {n} coins a year.',
  ],
  steps: [
    [
      '{A~} <dig> {n} holes in a row and <put> a seed into each of them.',
      'The earth <it.be> (dry|wet|hard|dark and soft), and {A~} <lean> {T} against the wall.',
      '{B} <B.water> the {G} (in the morning|[slowly]) while {A} <cut> the grass.',
      'First they <they.pull> out the weeds, which <they.be> taller than the {G}.',
    ],
    [
      '"May I use {T}?" {B} <ask>. "(Yes, but bring it back|Not now, I need it|It is {spot})," {A} <answer>.',
      'They <they.pick> {n} {G}; {B} <B.eat> {m} at once, so {r} <they.go> into the basket.',
      '"These {G} need more (sun|water|room)," {B} <say>, and {A} <not.agree>.',
      'A (bee|bird|frog|butterfly) <it.sit> on {T}, and neither of them <it.move>.',
      '{C} <C.look> over the fence and <ask> what they <they.grow>.',
    ],
    [
      'For {m} weeks nothing <it.happen>; then a first green leaf <it.come> out of the ground.',
      '{A~} <sit> down under the {G.one} tree, and {B} <bring> {food}.',
      'At the end of the day {A~} <put> {T} back {spot}.',
      '{B} <paint> the fence [colour], and {A} <hold> the ladder.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'One morning half of the {G} <they.be> eaten.',
        'When they <they.come> back, the rows <they.be> empty and the leaves <they.lie> on the ground.',
      ],
      because: [
        'A (goat|rabbit|donkey) from the next farm <it.have> come through the hole in the fence.',
        'Somebody <it.have> left the gate open.',
      ],
      good: [
        '{B} <B.close> the hole with {n} boards, and {C} <C.give> them new seeds.',
        'They <they.plant> again, and the rain <it.help> them.',
      ],
      bad: [
        'It <it.be> too late in the year to plant again.',
        'They <they.shout> at {C.obj}, though {C.he} <C.have> not done it.',
      ],
    },
    {
      trouble: [
        'The leaves of the {G} <they.turn> yellow and <they.begin> to fall.',
        'The {G} <they.not.grow>, whatever {A} <do>.',
      ],
      because: [
        'There <it.have> been no rain for {n} weeks.',
        'The old wall <it.keep> the sun away from them.',
      ],
      good: [
        'So {A~} <carry> water from the well every evening, and {m} days later the leaves <they.be> green.',
        '{B} <know> what to do and <move> them to a better place.',
      ],
      bad: [
        'The well <it.be> dry too, and the {G} <they.die>.',
        '{B} <B.give> up, and weeds <they.cover> everything.',
      ],
    },
  ],
  ends: {
    good: [
      'In autumn they <they.fill> {n} baskets with {G}, more than ever before.',
      'The whole of {town} <it.talk> about the {G} in {P}.',
      '{A} <clean> {T} and <be> [glad] about every single leaf.',
    ],
    bad: [
      'That year there <they.be> no {G}, and {A} <be> [sad] whenever {A.he} <see> {P}.',
      '{A} <throw> {T} into a corner and <not.go> to {P} for a month.',
      '"All that work for nothing," {B} <B.say>.',
    ],
  },
};
