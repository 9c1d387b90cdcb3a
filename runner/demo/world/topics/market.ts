import type { Topic } from './topic.ts';

export const market: Topic = {
  name: 'market',
  places: ['the market', 'the fish stall', 'the fruit stall', 'the cloth stall', 'the market hall'],
  things: ['basket', 'purse', 'scarf', 'lamp', 'jug', 'carpet', 'bell'],
  adjectives: ['red', 'green', 'small', 'old', 'painted', 'plain', 'cheap', 'fine', 'foreign'],
  goods: ['apples', 'pears', 'eggs', 'plums', 'lemons', 'tomatoes', 'potatoes', 'candles', 'ribbons'],
  wants: [
    '{A} <want> to sell {n} {G} and buy {T.a} with the money.',
    '{A} <go> to {P} because {A.he} <need> {T.a} for {B.obj}.',
    '{A} <have> {n} coins in {A.his} pocket and <hope> to bring home {T.a}.',
    'There <they.be> no {G} left at home, so {A} <walk> to {P} with {T.a} over {A.his} arm.',
    '{A} <sell> {G} at {P}, and {B} <help> {A.obj} to carry them.',
  ],
  steps: [
    [
      'At {P} a (loud|tall|friendly|tired) seller <it.hold> up {T.a} and <it.ask> for {n} coins.',
      '{A~} <look> at every stall before {A.he} <choose> {T}.',
      'The (seller|old woman|stall keeper) <it.put> {n} {G} into a bag and <it.weigh> it (twice|[slowly]).',
      'First {A~} <sell> {m} {G} to a (cook|sailor|nurse|teacher), who <it.pay> (well|[slowly]).',
      'People <they.push> past them, and somebody <it.call>, "Fresh {G}! {n} for a coin!"',
    ],
    [
      '"{n} coins is too much for {T.a}," {A} <say>. "I will give you {m}."',
      '"How much are the {G}?" {B} <ask>. "One coin for {m}," the seller <it.answer>.',
      '{B} <taste> one of the {G} and <say> that it <it.be> (+sweet|+very good|-sour|-not fresh).',
      '{A} <count> the coins: there <they.be> {n}, and after {A.he} <pay> {m}, only {r} <they.be> left.',
      '{B} <not.like> the (price|colour|smell), but {A} <think> that it <it.be> (fair|good enough|what they needed).',
    ],
    [
      '{A} and {B} <they.share> {food} on the steps of {P} and <they.watch> the crowd.',
      'On the way home {B.he} <B.carry> the {G} and {A} <carry> {T}.',
      'Before they <they.leave>, {B} <buy> {m} {G} for {C.obj}.',
      'At the next stall {C} <C.show> them the same {T.noun} for (half the price|{r} coins more).',
    ],
  ],
  troubles: [
    {
      trouble: [
        'When {A~} <want> to pay, {A.his} purse <it.be> empty.',
        '{A~} <put> {A.his} hand into {A.his} pocket, but the coins <they.be> gone.',
      ],
      because: [
        'There <it.be> a hole in the pocket, and {A~} <not.know> it.',
        'A thief <it.run> (down the street|behind the stalls) with them.',
        '{A~} <have> left the money {spot}.',
      ],
      good: [
        '{B} <see> it and <pay> for {A.obj}. "You can give it back on Sunday," {B.he} <B.say>.',
        'The seller <it.smile> and <it.say>, "Take {T} now and pay me tomorrow."',
      ],
      bad: [
        'The seller <it.not.believe> {A.obj} and <it.take> {T} back.',
        '{B} <have> no money either, so they <they.leave> everything at the stall.',
      ],
    },
    {
      trouble: [
        'At home {B} <open> the bag and <find> that {m} of the {n} {G} <they.be> (rotten|broken).',
        '{A~} <look> at {T} in the light and <see> that it <it.be> torn on one side.',
      ],
      because: [
        'The seller <it.have> hidden the bad side from them.',
        'It <it.be> dark at {P}, and {A~} <have> not looked with care.',
      ],
      good: [
        'They <they.go> back, and the seller <it.say> sorry and <it.return> the money.',
        '{C} <C.know> how to use what <it.be> left, and nothing <it.be> wasted.',
      ],
      bad: [
        'They <they.go> back, but the stall <it.be> closed and the seller <it.be> gone.',
        'The seller only <it.laugh> and <it.turn> away.',
      ],
    },
  ],
  ends: {
    good: [
      'That evening {T} <it.stand> on the table, and {A} <be> [glad].',
      '{A} still <have> {r} coins, and {T} <it.be> worth every one of the others.',
      '"This was a good market day," {B} <B.say>, and {A} <agree>.',
    ],
    bad: [
      '{A} <come> home without {T} and <be> [sad] for the rest of the day.',
      '"I will never buy anything at {P} again," {A} <say>.',
      'They <they.walk> home with an empty bag, and {B} <not.speak> a word.',
    ],
  },
};
