import type { Topic } from './topic.ts';

export const theft: Topic = {
  name: 'theft',
  places: ['the museum', 'the town hall', 'the jewel shop', 'the old tower', 'the court'],
  things: ['ring', 'crown', 'key', 'painting', 'watch', 'necklace', 'money box'],
  adjectives: ['golden', 'silver', 'precious', 'old', 'famous', 'small', 'stolen', 'strange'],
  goods: ['coins', 'candles', 'stamps', 'boxes', 'buttons', 'books'],
  wants: [
    '{A} <guard> {T.a} in {P}, and one night it <it.disappear>.',
    '{A} <lose> {T.a} that <it.have> belonged to {A.his} grandmother.',
    'Somebody <it.have> stolen {T.a} from {P}, and {A} <want> to find out who.',
    '{A} <find> {T.a} in the street and <want> to give it back.',
    '{B} <B.say> that {A} <have> taken {T.a}, and nobody <it.believe> {A.obj}.',
  ],
  steps: [
    [
      '{A~} <look> at the floor and <find> {m} drops of wax.',
      'The window of {P} <it.be> (open|broken|locked from inside).',
      '{A~} <ask> {n} people, and {m} of them <they.have> seen a man with a [colour] hat.',
      '{A~} <write> everything down in a small [colour] book.',
    ],
    [
      '"Where were you last night?" {A} <ask>. "(At home|At the inn, with {C}|That is none of your business)," {B} <answer>.',
      '"I was asleep," {C} <C.say>, but {C.his} shoes <they.be> wet.',
      '{B} <B.not.look> at {A.obj} and <play> with a button.',
      'Of the {n} keys to {P}, {m} <they.be> in the box; {r} <they.be> missing.',
      '"Only three people knew of {T}," {B} <B.say>: "you, {C} and I."',
    ],
    [
      'At midnight {A~} <hide> behind a curtain in {P} and <wait>.',
      'A dog <it.bark>, and somebody <it.climb> over the wall.',
      '{C} <C.have> spent {n} coins at the inn, though {C.he} <C.be> poor.',
      '{A~} <follow> the tracks as far as the bridge, where they <they.end>.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'The judge <it.say> that {A} <be> the thief.',
        'They <they.find> the case of {T} in {A.poss} own room.',
      ],
      because: ['The true thief <it.have> put it there.', '{C} <C.have> told a lie.'],
      good: [
        'But {B} <B.tell> the judge what {B.he} <B.have> seen, and everybody <it.see> the truth.',
        'Then a child <it.come> forward with {T} in its hand.',
      ],
      bad: [
        'Nobody <it.speak> for {A.obj}, and the door of the prison <it.close>.',
        '{B} <B.know> the truth and <not.say> a word.',
      ],
    },
    {
      trouble: [
        '{A~} <run> after the thief but <lose> him in the crowd.',
        'The thief <it.be> already on the ship to {town2}.',
      ],
      because: ['The streets <they.be> dark and full of people.', 'Somebody <it.have> warned him.'],
      good: [
        'At the gate {C} <C.put> out a foot, and the thief <it.fall>.',
        'The captain <it.turn> the ship around and <it.hand> him over.',
      ],
      bad: [
        '{T} <it.be> sold in a foreign town and never <it.come> back.',
        'The guards <they.catch> the wrong man.',
      ],
    },
  ],
  ends: {
    good: [
      'The next day {T} <it.lie> in its place again, and {A} <be> [glad].',
      '{town} <it.thank> {A.obj} with {n} {G} and a song.',
      '"I should have trusted you," {B} <B.say>.',
    ],
    bad: [
      'The place where {T} <it.have> lain <it.stay> empty, and {A} <be> [sad].',
      'Since that night nobody in {town} <it.leave> a door unlocked.',
      '"I will never trust anyone again," {A} <say>.',
    ],
  },
};
