/** The words of the small world that more than one topic uses. */

export const FEMALE =
  'Anna Clara Dora Ella Emma Eva Flora Greta Hanna Helen Ida Irene Iris Jane Julia Kate Laura Lena Lily Lucy Maria Martha Mary Mia Nadia Nina Nora Olga Paula Rita Rosa Ruth Sara Sofia Stella Susan Tess Vera Wanda Zoe Alma Bella Carol Diana Edith Fanny Gemma Hilda'.split(
    ' ',
  );
export const MALE =
  'Adam Alan Albert Anton Arthur Ben Carl Conrad Daniel David Edgar Emil Eric Felix Frank Fred George Gustav Henry Hugo Ivan Jacob James Jonas Karl Leo Louis Lucas Martin Max Milo Nils Oscar Otto Paul Peter Philip Ralph Robert Rudy Samuel Simon Stefan Theo Thomas Tom Victor Walter'.split(
    ' ',
  );
export const FAMILIES =
  'Ash Barlow Becker Birch Brook Carter Cole Cooper Dale Ellis Finch Fisher Ford Grant Hale Harper Hill Holt Hunter Keller Lane Marsh Mason Miller Moss North Palmer Parker Perry Quinn Reed Rowan Shaw Stone Turner Vance Wells West Winter Wood'.split(
    ' ',
  );
export const TOWNS = [
  'Alder Bay',
  'Amber Hill',
  'Birch End',
  'Black Rock',
  'Brook Town',
  'Clear Water',
  'Crow Hill',
  'Dry Creek',
  'East Haven',
  'Fern Valley',
  'Fox Bridge',
  'Goose Green',
  'Green Ford',
  'High Cross',
  'Iron Gate',
  'Long Meadow',
  'Mill Island',
  'New Haven',
  'Old Bridge',
  'Pine Grove',
  'Red Cliff',
  'Salt Point',
  'Silver Lake',
  'South Mill',
  'Stone Field',
  'Swan Lake',
  'West Port',
  'White Sands',
  'Willow Park',
  'Wolf Creek',
] as const;

export interface Job {
  name: string;
  place: string;
  tool: string;
  /** What the work is, after "to". */
  work: string;
}

const job = (name: string, place: string, tool: string, work: string): Job => ({ name, place, tool, work });

export const JOBS: readonly Job[] = [
  job('baker', 'the bakery', 'an oven', 'bake bread'),
  job('farmer', 'the farm', 'a plough', 'grow wheat and feed the animals'),
  job('fisher', 'the harbour', 'a net', 'catch fish'),
  job('teacher', 'the school', 'a board', 'teach children to read and count'),
  job('doctor', 'the clinic', 'a thermometer', 'help people who are ill'),
  job('nurse', 'the hospital', 'a bandage', 'look after the sick'),
  job('carpenter', 'the workshop', 'a saw', 'build tables and doors'),
  job('tailor', 'the tailor shop', 'a needle', 'sew coats and shirts'),
  job('gardener', 'the park', 'a spade', 'plant trees and flowers'),
  job('cook', 'the kitchen of the inn', 'a large pot', 'cook dinner for the guests'),
  job('sailor', 'the ship', 'a rope', 'sail the ship'),
  job('postman', 'the post office', 'a bag', 'carry letters from house to house'),
  job('painter', 'the studio', 'a brush', 'paint pictures and walls'),
  job('musician', 'the music hall', 'a violin', 'play songs for the town'),
  job('shepherd', 'the hills', 'a whistle', 'watch over the sheep'),
  job('miller', 'the mill', 'a millstone', 'grind grain into flour'),
  job('smith', 'the forge', 'a hammer', 'shape iron'),
  job('driver', 'the bus station', 'a bus', 'drive people from town to town'),
  job('librarian', 'the library', 'a stamp', 'lend books'),
  job('judge', 'the court', 'a thick book', 'settle quarrels'),
  job('clockmaker', 'the clock shop', 'a small screwdriver', 'mend clocks'),
  job('butcher', 'the butcher shop', 'a sharp knife', 'cut meat'),
  job('potter', 'the pottery', 'a wheel', 'make cups and bowls out of clay'),
  job('guard', 'the town gate', 'a lantern', 'guard the gate at night'),
];

export interface Animal {
  name: string;
  home: string;
  food: string;
  sound: string;
  pet: boolean;
}

const animal = (name: string, home: string, food: string, sound: string, pet = false): Animal => ({
  name,
  home,
  food,
  sound,
  pet,
});

export const ANIMALS: readonly Animal[] = [
  animal('dog', 'a kennel', 'bones', 'barks', true),
  animal('cat', 'a basket by the stove', 'fish', 'purrs', true),
  animal('rabbit', 'a hutch', 'carrots', 'hardly makes a sound', true),
  animal('parrot', 'a cage', 'seeds', 'talks', true),
  animal('goat', 'the yard', 'grass', 'bleats', true),
  animal('pony', 'the stable', 'oats', 'neighs', true),
  animal('hen', 'the henhouse', 'corn', 'clucks', true),
  animal('duck', 'the pond', 'bread crumbs', 'quacks', true),
  animal('donkey', 'the stable', 'hay', 'brays', true),
  animal('cow', 'the barn', 'grass', 'moos'),
  animal('sheep', 'the meadow', 'grass', 'bleats'),
  animal('owl', 'a hollow tree', 'mice', 'hoots'),
  animal('fox', 'a den in the forest', 'rabbits', 'yelps'),
  animal('wolf', 'the deep forest', 'deer', 'howls'),
  animal('bee', 'a hive', 'nectar', 'hums'),
  animal('frog', 'the pond', 'flies', 'croaks'),
];

export const PET_NAMES =
  'Biscuit Button Captain Cherry Clover Cocoa Duke Feather Ginger Honey Lucky Mango Misty Olive Pepper Pickle Pearl Rusty Shadow Snow Spot Star Sunny Toffee'.split(
    ' ',
  );

export interface Weather {
  noun: string;
  /** Sentences that say it, and what people do because of it. */
  signs: readonly string[];
  effects: readonly string[];
}

export const WEATHERS: readonly Weather[] = [
  {
    noun: 'rain',
    signs: [
      'the rain <it.fall> (hard|softly|without a break) on the roofs of {town}',
      'it <it.rain> (all day|all morning|from dawn) in {town}',
      'dark clouds <they.come> (over the hills|from the west) and it <it.begin> to rain',
    ],
    effects: [
      'so {A~} <take> an umbrella',
      'and {A~} <get> wet to the skin',
      'so {A~} <put> on {A.his} (old|long|heavy) raincoat',
      'so the streets <they.be> full of puddles',
    ],
  },
  {
    noun: 'snow',
    signs: [
      'snow <it.lie> (deep|thick|white) on the streets of {town}',
      'it <it.snow> (all night|since dawn) in {town}',
      'the first snow of the year <it.cover> {town}',
    ],
    effects: [
      'so {A~} <wear> two pairs of socks',
      'and {A.his} hands <they.be> cold',
      'so {A~} <put> on {A.his} (thick|warm) coat and gloves',
      'so the children <they.build> a snowman by the gate',
    ],
  },
  {
    noun: 'sun',
    signs: [
      'the sun <it.shine> (brightly|all day|warmly) over {town}',
      'the sky over {town} <it.be> (blue|clear|without a cloud)',
      'it <it.be> a (hot|bright|golden) day in {town}',
    ],
    effects: [
      'so {A~} <leave> {A.his} coat at home',
      'so {A~} <wear> a straw hat',
      'and everybody <it.sit> outside in the (light|warmth)',
      'so {A~} <walk> in the shade of the trees',
    ],
  },
  {
    noun: 'wind',
    signs: [
      'a (strong|cold|wild) wind <it.blow> through {town}',
      'the wind <it.shake> the windows of {town}',
      'a storm <it.come> in from the sea, and the wind <it.howl> around the houses of {town}',
    ],
    effects: [
      'so {A~} <hold> on to {A.his} hat',
      'and {A~} <shut> every window',
      'so the boats <they.stay> in the harbour',
      'and leaves <they.fly> across the square',
    ],
  },
  {
    noun: 'fog',
    signs: [
      'a (thick|grey|white) fog <it.hang> over {town}',
      'nobody in {town} <it.can> see the other side of the street for the fog',
      'fog <it.come> up from the river and <it.cover> {town}',
    ],
    effects: [
      'so {A~} <walk> slowly, one hand on the wall',
      'so {A~} <carry> a lantern',
      'and {A~} nearly <miss> the corner',
      'so the bus <it.be> late',
    ],
  },
];

export const TIMES = [
  'One morning',
  'One evening',
  'On Monday',
  'On Tuesday',
  'On Wednesday',
  'On Thursday',
  'On Friday',
  'On Saturday',
  'On Sunday',
  'Early in spring',
  'Late in summer',
  'In the middle of winter',
  'One day in autumn',
  'At noon',
  'Just after sunrise',
  'Shortly before sunset',
  'On the first day of the month',
  'On a quiet afternoon',
  'The day before the fair',
  'A week after the harvest',
] as const;

export const TRAITS = [
  'patient',
  'careful',
  'cheerful',
  'shy',
  'brave',
  'stubborn',
  'curious',
  'lazy',
  'honest',
  'clever',
  'quiet',
  'proud',
  'generous',
  'forgetful',
  'nervous',
  'busy',
] as const;

export const SPOTS = [
  'on the kitchen table',
  'under the bed',
  'on the top shelf',
  'behind the door',
  'in the wooden chest',
  'in the cellar',
  'by the window',
  'in the drawer',
  'next to the stove',
  'under the stairs',
  'on the bench outside',
  'in the blue cupboard',
  'in the attic',
  'beside the well',
] as const;

/** Things that can be counted, one by one. */
export const COUNTABLES =
  'apples pears eggs plums cherries potatoes tomatoes candles buttons coins nails stamps books cups plates shells stones ribbons pencils loaves cakes lemons roses tickets ropes'.split(
    ' ',
  );

/** Lists that any template may draw from. */
export const WORDS = {
  colour: ['red', 'blue', 'green', 'yellow', 'white', 'black', 'brown', 'grey', 'golden', 'silver'],
  slowly: [
    'slowly',
    'carefully',
    'quickly',
    'quietly',
    'gently',
    'at once',
    'without a word',
    'with both hands',
    'in a hurry',
  ],
  glad: ['glad', 'happy', 'pleased', 'delighted', 'proud', 'relieved', 'thankful', 'cheerful'],
  sad: ['sad', 'unhappy', 'angry', 'disappointed', 'worried', 'upset', 'ashamed', 'bitter'],
  room: ['kitchen', 'cellar', 'attic', 'hall', 'garden', 'bedroom', 'yard', 'barn'],
  place: [
    'the bridge',
    'the square',
    'the station',
    'the church',
    'the river',
    'the old mill',
    'the library',
    'the inn',
    'the bakery',
    'the town gate',
    'the park',
    'the beach',
    'the well',
    'the clinic',
  ],
  soon: [
    'soon',
    'after a while',
    'before long',
    'a little later',
    'in the end',
    'an hour later',
    'the next morning',
    'at last',
  ],
  food: [
    'soup',
    'bread and cheese',
    'apple cake',
    'porridge',
    'fried fish',
    'a bowl of stew',
    'pancakes',
    'roast potatoes',
    'plum jam',
    'warm milk',
  ],
} as const satisfies Record<string, readonly string[]>;
