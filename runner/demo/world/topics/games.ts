import type { Topic } from './topic.ts';

export const games: Topic = {
  name: 'games',
  places: ['the field', 'the school yard', 'the park', 'the inn', 'the village green'],
  things: ['ball', 'kite', 'chess board', 'sledge', 'whistle', 'deck of cards', 'silver cup'],
  adjectives: ['red', 'new', 'old', 'painted', 'torn', 'wooden', 'lucky', 'small'],
  goods: ['stones', 'buttons', 'shells', 'coins', 'cherries', 'ribbons'],
  wants: [
    '{A} <want> to win {T.a} at the summer games in {P}.',
    '{A} <challenge> {B.obj} to a game at {P}, and the winner <it.get> {n} {G}.',
    '{A} <have> {T.a}, and every child in {town} <it.want> to play with it.',
    'The team of {town} <it.play> against {town2}, and {A} <stand> in the goal.',
    '{A} <not.like> to lose, least of all against {B.obj}.',
  ],
  steps: [
    [
      'They <they.draw> a line in the sand, and {B} <throw> first.',
      '{A~} <hide> {T} {spot} and <say> that nobody <it.will> find it.',
      '{A~} <explain> the rules [slowly], and {B} <B.nod>.',
      '{n} people <they.come> to watch, {m} of them from {town2}.',
    ],
    [
      'After the first round {A} <have> {n} points and {B} <have> {m}, so {A} <be> {r} ahead.',
      '"It is your turn," {B} <say>. "(I know|Let me think|I was waiting for you)," {A} <answer>.',
      '{B} <B.win> {m} of {A.poss} {n} {G}, so {A} <have> {r} left.',
      '"That was against the rules!" {C} <C.call>. "It was not," {B} <B.say>.',
      'The ball <it.fly> (over the wall|into the river|through a window), and {C} <C.fetch> it.',
    ],
    [
      '{B} <B.run> faster than ever, but {A} <be> close behind {B.obj}.',
      '{A~} <move> [slowly], and {B} <smile> as if {B.he} <B.know> something.',
      'In the break they <they.eat> {food} and <they.talk> about last year.',
      '{C} <C.hold> {T} up high, and everybody <it.cheer>.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'Just before the end {A~} <fall> and <hurt> {A.his} knee.',
        'In the last round {A~} <lose> everything but one point.',
      ],
      because: ['The grass <it.be> wet.', '{B} <B.have> played a very clever move.'],
      good: [
        '{B} <B.stop>, <help> {A.obj} up, and they <they.reach> the line together.',
        '{A~} <stand> up again and <win> by one step.',
      ],
      bad: ['{B} <B.run> past {A.obj} and <laugh>.', 'It <it.be> over, and {B} <B.take> {T} home.'],
    },
    {
      trouble: [
        'Then {C} <C.say> that {B} <have> cheated.',
        'Both of them <they.say> that {T} <it.be> theirs.',
      ],
      because: ['One of the cards <it.lie> under {B.poss} chair.', 'Nobody <it.have> counted the points.'],
      good: [
        '{B} <B.say> sorry, and they <they.play> the round again.',
        'So they <they.share> it: {m} days for one, {m} days for the other.',
      ],
      bad: [
        'They <they.shout> until the guard <it.come> and <it.send> everybody home.',
        '{A~} <throw> the cards on the floor and <leave>.',
      ],
    },
  ],
  ends: {
    good: [
      'They <they.shake> hands, and {A} <be> [glad].',
      '"That was the best game of my life," {B} <B.say>.',
      'In the evening all of {town} <it.dance> around {T}.',
    ],
    bad: [
      '{A} and {B} <they.not.play> together again for {n} weeks.',
      '{A} <go> home alone and <be> [sad].',
      '"It was only a game," {C} <C.say>, but {A} <not.answer>.',
    ],
  },
};
