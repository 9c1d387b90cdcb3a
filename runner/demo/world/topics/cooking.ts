import type { Topic } from './topic.ts';

export const cooking: Topic = {
  name: 'cooking',
  places: ['the kitchen', 'the bakery', 'the inn', 'the dining room', 'the cellar of the inn'],
  things: ['pot', 'pan', 'knife', 'bowl', 'oven dish', 'spoon', 'recipe book'],
  adjectives: ['copper', 'iron', 'big', 'black', 'old', 'sharp', 'clean', 'deep', 'wooden'],
  goods: ['eggs', 'potatoes', 'tomatoes', 'lemons', 'apples', 'loaves', 'plums', 'cups'],
  wants: [
    '{A} <want> to cook {food} for {n} guests.',
    '{A} <work> in {P} and <have> to bake {n} loaves before sunrise.',
    '{A} <have> invited {B.obj} to dinner and <plan> to make {food}.',
    'It <it.be> the birthday of {B.obj}, and {A} <want> to bake a cake in {T.a}.',
    '{A} <be> hungry, but there <they.be> only {m} {G} in {P}.',
  ],
  steps: [
    [
      '{A~} <wash> {m} {G} and <cut> them with a knife.',
      'First {A~} <light> the fire and <put> {T} on the table.',
      '{A~} <take> {n} {G} out of the basket and <use> {m}, so {r} <they.stay> in it.',
      '{B} <B.mix> flour, butter and {m} eggs in a bowl.',
    ],
    [
      '"Is there enough salt in it?" {A} <ask>. "(A little more|Too much already|It is just right)," {B} <say>.',
      '{B} <B.stir> the pot [slowly], and a (sweet|warm|rich) smell <it.fill> {P}.',
      '"Where is {T}?" {B} <ask>. "It is {spot}," {A} <answer>.',
      '{B} <not.like> onions, so {A} <leave> them out.',
      'While the water <it.boil>, {B} <set> the table for {n} people.',
    ],
    [
      'After half an hour {A~} <lift> the lid, and steam <it.rise> to the ceiling.',
      '{C} <C.knock> at the door and <bring> {m} {G} as a present.',
      '{B} <B.taste> it with a spoon and <close> {B.his} eyes.',
      'They <they.wait> until the crust <it.be> brown.',
    ],
  ],
  troubles: [
    {
      trouble: ['Suddenly there <it.be> smoke in {P}.', 'Then something <it.smell> burnt.'],
      because: [
        '{A} and {B} <they.have> talked too long and forgotten the oven.',
        'The fire <it.be> much too hot.',
      ],
      good: [
        'Only the bottom <it.be> black; they <they.cut> it off, and the rest <it.taste> wonderful.',
        '{A~} <pull> {T} from the fire just in time.',
      ],
      bad: [
        'Everything in {T} <it.be> black, and they <they.have> to throw it away.',
        'The smoke <it.drive> the guests into the street, and nobody <it.eat>.',
      ],
    },
    {
      trouble: [
        'When {A~} <taste> the {food2}, {A.he} <make> a face.',
        'The first guest <it.take> a spoonful of the {food2} and <it.stop>.',
      ],
      because: ['{B} <B.have> taken salt for sugar.', 'The milk <it.be> sour.'],
      good: [
        'They <they.begin> again with the {r} {G} that <they.be> left, and this time it <it.be> good.',
        '{C} <C.laugh> and <say> that {C.he} <C.have> never liked sweet things anyway.',
      ],
      bad: [
        'There <they.be> no more {G}, so the guests <they.go> home hungry.',
        '{A} <blame> {B.obj} in front of everybody.',
      ],
    },
  ],
  ends: {
    good: [
      'Nobody <it.leave> a crumb on the plate, and {A} <be> [glad].',
      '"I have never eaten better {food2}," {C} <C.say>.',
      'At midnight they still <they.sit> in {P} and <they.sing>.',
    ],
    bad: [
      'The plates <they.stay> full, and {A} <be> [sad].',
      '"Next time I will eat at home," {C} <C.say>.',
      '{A} <wash> {T} alone and <not.cook> for a week.',
    ],
  },
};
