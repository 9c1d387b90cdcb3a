import type { Topic } from './topic.ts';

export const letters: Topic = {
  name: 'letters',
  places: ['the post office', 'the desk', 'the gate', 'the letter box', 'the town hall'],
  things: ['letter', 'parcel', 'card', 'envelope', 'newspaper', 'invitation', 'photograph'],
  adjectives: ['long', 'short', 'old', 'sealed', 'thin', 'secret', 'late', 'thick'],
  goods: ['stamps', 'books', 'coins', 'candles', 'ribbons', 'pencils'],
  wants: [
    '{A} <wait> for {T.a} from {C.obj}, who <it.live> in {town2}.',
    '{A} <write> to {C.obj} every week, and this time {A.he} <have> big news.',
    '{A} <find> {T.a} at {P} with no name on it.',
    '{A} <carry> the post from {town} to {town2} and <have> {n} houses to visit.',
    '{B} <B.give> {A.obj} {T.a} and <ask> {A.him} not to open it before Sunday.',
  ],
  steps: [
    [
      '{A~} <buy> {n} stamps at the post office and <use> {m} of them.',
      '{A~} <sit> down at {P} and <write>, "Dear {C}, (I hope you are well|it has been {n} weeks|thank you for the {G})."',
      '{A~} <read> {T} [slowly] and then <read> it again.',
      "The postman <it.come> at {n} o'clock and <it.ring> the bell.",
    ],
    [
      '"Is there anything for me?" {A} <ask>. "(Not today|Only a bill|Yes, {T.a})," the postman <it.say>.',
      '"Who is it from?" {B} <ask>. "From {C}," {A} <answer>, "and {C.he} will come in {m} weeks."',
      '{B} <not.can> read the hand, so {A} <read> it aloud.',
      '"You must not tell anybody," it <it.say> on the last page.',
      'In {T} there <they.be> {n} coins; {A} <give> {m} to {B.obj} and <keep> {r}.',
    ],
    [
      '{A~} <hide> {T} {spot}, where {B} <will> not look.',
      'A week <it.go> by, and then {m} more days, without an answer.',
      '{B} <B.bring> a second letter, which <it.smell> of roses.',
      'They <they.look> for {town2} on the map and <they.measure> the way with a thread.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'Then a letter of {A.poss} <it.come> back unopened.',
        'For {n} weeks there <it.be> no answer from {C.obj}.',
      ],
      because: ['The house number <it.be> wrong.', '{C} <C.have> moved from {town2} and told nobody.'],
      good: [
        '{B} <B.know> the new street, and the next letter <it.arrive>.',
        'One day {C} <C.stand> at the door in person.',
      ],
      bad: ['{A~} <write> {m} more times and then no more.', 'The postman only <it.shake> his head.'],
    },
    {
      trouble: ['By mistake {B} <open> {T}.', '{T} <it.fall> into the water, and the ink <it.run>.'],
      because: [
        'Both names <they.begin> with the same letter.',
        'It <it.be> windy, and {B} <B.have> held it in one hand only.',
      ],
      good: [
        '{A~} <laugh> about it, for there <they.be> no secrets in it.',
        'They <they.dry> it by the stove, and most of the words <they.come> back.',
      ],
      bad: [
        'Now {B} <know> the secret and <tell> it to the whole of {town}.',
        'Nobody <it.will> ever know what <it.have> stood in it.',
      ],
    },
  ],
  ends: {
    good: [
      '{A} <keep> {T} in a box with all the others and <be> [glad].',
      '"It is the best news of the year," {B} <B.say>.',
      '{C} <C.come> in spring, and they <they.read> the old letters together.',
    ],
    bad: [
      '{A} <burn> {T} in the stove and <be> [sad].',
      'The friendship with {C.obj} <it.be> over.',
      '"I wish I had never written," {A} <say>.',
    ],
  },
};
