import type { Topic } from './topic.ts';

export const illness: Topic = {
  name: 'illness',
  places: ['the hospital', 'the clinic', 'the sick room', 'the waiting room', 'the bedroom'],
  things: ['blanket', 'bottle', 'thermometer', 'pillow', 'bandage', 'tea pot', 'medicine box'],
  adjectives: ['warm', 'small', 'white', 'brown', 'clean', 'green', 'soft', 'glass'],
  goods: ['lemons', 'candles', 'cups', 'eggs', 'roses', 'pears'],
  wants: [
    '{A} <have> a fever and <stay> in bed with {T.a}.',
    '{B} <B.be> ill, and {A} <want> to help with {T.a} and {m} {G}.',
    '{A} <work> at {P}, and that week {n} people <they.cough> in the waiting room.',
    '{A} <fall> from a ladder, and now {A.his} leg <it.hurt> at every step.',
    'For {n} days {B} <eat> nothing, and {A} <be> worried about {B.obj}.',
  ],
  steps: [
    [
      'The doctor <it.come>, <it.look> at {A.poss} tongue and <it.say> nothing.',
      '{A~} <lie> under {T} and <listen> to the clock.',
      '{B} <B.put> {T} next to the bed and <open> the window.',
      '{A~} <make> tea with {m} lemons and <carry> it to {P}.',
    ],
    [
      '"Where does it hurt?" the doctor <it.ask>. "(Here, in my chest|In my left foot|Behind my eyes)," {A} <answer>.',
      '"Take {m} drops every morning," the doctor <it.say>, "and do not get up."',
      '{B} <not.sleep> that night, because the fever <it.rise> again.',
      '"I do not want any soup," {A} <say>, but {B} <not.listen>.',
      'Of the {n} {G} that {C} <C.have> sent, {B} <B.eat> {m}, so there <they.be> {r} left.',
    ],
    [
      '{C} <C.come> to visit and <read> a story aloud, with a different voice for every person in it.',
      'In the afternoon {A~} <look> out of the window and <envy> the children in the street.',
      '{B} <B.change> the bandage and <wash> {B.his} hands.',
      'After {n} days {A} <stand> up for the first time and <walk> as far as the door.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'In the night {A~} <cough> so much that nobody in the house <it.sleep>.',
        'Then the medicine <it.be> finished, and the shop <it.be> closed.',
      ],
      because: ['The room <it.be> cold and damp.', '{B} <B.have> spilled half of it on {T}.'],
      good: [
        '{C} <C.ride> to {town2} and <come> back with a new bottle before dawn.',
        '{B} <B.light> the stove and <cook> {food}, and the cough <it.become> weaker.',
      ],
      bad: [
        'The doctor <it.be> away, and the fever <it.climb> higher and higher.',
        '{B} <B.become> ill too, and there <it.be> nobody to look after them.',
      ],
    },
    {
      trouble: [
        'The doctor <it.look> at the wound and <it.shake> her head.',
        '{A~} <try> to walk, but {A.his} leg <it.not.carry> {A.him}.',
      ],
      because: ['{A~} <have> got up too early.', 'The cut <it.be> not clean.'],
      good: [
        'But with rest, {food} and {m} more weeks in bed it <it.heal>.',
        'A nurse from {town2} <it.know> a better bandage, and it <it.help>.',
      ],
      bad: [
        'So they <they.take> {A.obj} to the hospital, far from home.',
        'From then on {A} <walk> with a stick.',
      ],
    },
  ],
  ends: {
    good: [
      'By the end of the week {A} <be> well again and <eat> {n} pancakes.',
      '"You look like yourself again," {B} <B.say>, and <be> [glad].',
      '{A} <fold> {T} and <thank> everybody who <it.have> helped.',
    ],
    bad: [
      '{A} <be> weaker than before, and {B} <B.be> [sad].',
      '"I am tired of this bed," {A} <say> and <turn> to the wall.',
      'Winter <it.come>, and {A} still <not.leave> the house.',
    ],
  },
};
