import type { Topic } from './topic.ts';

export const school: Topic = {
  name: 'school',
  places: ['the school', 'the classroom', 'the library', 'the school yard', 'the reading room'],
  things: ['book', 'pen', 'map', 'notebook', 'slate', 'dictionary', 'globe'],
  adjectives: ['thick', 'new', 'torn', 'blue', 'old', 'borrowed', 'heavy', 'small'],
  goods: ['pencils', 'books', 'stamps', 'buttons', 'apples', 'stones'],
  wants: [
    '{A} <have> to learn {n} new words by Friday and <look> for them in {T.a}.',
    '{A} <be> afraid of the test in {P}, because {A.he} <have> missed {m} lessons.',
    '{A} <want> to read {T.a} that only {B} <own>.',
    '{A} <teach> at {P}, and this year there <they.be> {n} children in the class.',
    'The best pupil of {P} <it.win> {T.a} every summer, and {A} <want> to be that pupil.',
  ],
  steps: [
    [
      'In the first lesson {B} <B.draw> a map of {town} on the board.',
      '{A~} <open> {T} and <read> the first page (aloud|[slowly]).',
      'The bell <it.ring>, and {n} children <they.run> into {P}.',
      '{A~} <sit> next to {B.obj} and <lay> {T} between them.',
    ],
    [
      '"What is {n} minus {m}?" the teacher <it.ask>. "It is {r}," {B} <say>, and that <it.be> right.',
      '"What do you call a house for horses?" {B} <ask>. "A stable," {A} <answer>.',
      '{B} <not.understand> the question, so {A} <explain> it again with {n} {G}.',
      '"Please lend me {T}," {B} <say>. "(Take it|I need it myself|Only until Monday)," {A} <answer>.',
      '{C} <C.whisper> something, and the teacher <it.look> up and <it.frown>.',
    ],
    [
      'In the break they <they.play> in the yard, and {B} <B.win> {m} {G} from {C.obj}.',
      'After school {A~} <study> in the library until it <it.close>.',
      '{B} <B.write> the answers on a small card and <learn> them on the way home.',
      'They <they.test> each other: {B} <know> {m} of the {n} words, {A} <know> all of them.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'On the morning of the test {T} <it.be> not in {A.poss} bag.',
        '{A~} <reach> for {T}, but it <it.be> gone.',
      ],
      because: [
        '{A~} <have> left it {spot}.',
        '{C} <C.have> taken it by mistake, because it <it.look> like {C.his} own.',
      ],
      good: [
        '{B} <B.give> {A.obj} half of {B.his} own notes, and that <it.be> enough.',
        '{C} <C.run> home and <bring> it back before the bell <it.ring>.',
      ],
      bad: [
        'The teacher <it.not.wait>, and {A} <leave> most of the page empty.',
        'Nobody <it.want> to share, and {A} <fail> the test.',
      ],
    },
    {
      trouble: [
        'The teacher <it.say> that somebody <it.have> copied.',
        'Two answers <they.be> the same, word for word, and the teacher <it.be> angry.',
      ],
      because: [
        '{C} <C.have> looked over {A.poss} shoulder.',
        '{B} and {C} <they.have> learned from the same page.',
      ],
      good: [
        '{C} <C.stand> up and <tell> the truth, and the teacher <it.forgive> everybody.',
        'So each of them <it.answer> {m} new questions, and {A} <know> all of them.',
      ],
      bad: [
        'Nobody <it.say> a word, and {A} <be> punished for it.',
        'The teacher <it.tear> the page in two and <it.send> {A.obj} home.',
      ],
    },
  ],
  ends: {
    good: [
      'In the end {A} <have> {n} points out of {n}, and {B} <clap> {B.his} hands.',
      '"You have worked hard," the teacher <it.say>, and {A} <be> [glad].',
      '{A} <read> {T} to the last page that night and <not.feel> tired at all.',
    ],
    bad: [
      '{A} <get> only {m} points and <be> too [sad] to eat.',
      '"I hate {P}," {A} <say>, and {B} <not.know> what to answer.',
      'After that day {A} and {C} <they.not.speak> to each other.',
    ],
  },
};
