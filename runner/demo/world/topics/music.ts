import type { Topic } from './topic.ts';

export const music: Topic = {
  name: 'music',
  places: ['the music hall', 'the church', 'the square', 'the school hall', 'the inn'],
  things: ['violin', 'flute', 'drum', 'guitar', 'trumpet', 'piano', 'song book'],
  adjectives: ['old', 'fine', 'small', 'silver', 'black', 'borrowed', 'loud', 'broken'],
  goods: ['coins', 'roses', 'candles', 'ribbons', 'cups', 'books'],
  wants: [
    '{A} <want> to play {T.a} at the concert in {P}.',
    '{A} <have> saved {n} coins for {T.a}, and it <it.cost> {m} more.',
    '{A} <take> lessons with {B.obj}, who <it.play> {T.a} better than anyone in {town}.',
    'There <it.be> a dance in {P} on Saturday, and {A} <have> to find {n} players.',
    '{A} <sing> every evening, although the neighbours <they.not.like> it.',
  ],
  steps: [
    [
      '{A~} <take> {T} out of its case and <tune> it [slowly].',
      '{B} <B.show> {A.obj} how to hold {T} and how to breathe.',
      'They <they.practise> the same {n} notes (all afternoon|again and again|until dark).',
      '{n} chairs <they.stand> in {P}, and {m} of them <they.be> taken.',
    ],
    [
      '"Not so fast," {B} <say>. "Count to {m} before you begin."',
      '"Can you hear the wrong note?" {B} <ask>. "(Yes, it is the third one|No, it sounds right to me)," {A} <say>.',
      '{B} <B.sing> the high part and {A} <sing> the low part.',
      'The song <it.tell> of a sailor who never <it.come> home, and {C} <C.wipe> {C.his} eyes.',
      '{C} <C.not.like> the song and <ask> for a happier one.',
    ],
    [
      'Then the hall <it.become> quiet, and {A} <bow> [slowly].',
      'A child in the first row <it.clap> before the end, and everybody <it.laugh>.',
      'Between two songs {B} <drink> a glass of water and <wink> at {A.obj}.',
      'People <they.throw> {n} {G} on the stage.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'In the middle of the song a string <it.break>.',
        'Just before the concert {T} <it.make> no sound at all.',
      ],
      because: ['{T} <it.have> lain in the sun too long.', 'Somebody <it.have> dropped it on the stairs.'],
      good: [
        '{B} <B.lend> {A.obj} {B.his} own, and the concert <it.go> on.',
        '{A~} <sing> without it, and the whole hall <it.sing> along.',
      ],
      bad: [
        'There <it.be> no other, and the people <they.go> home.',
        'A man in the last row <it.laugh> loudly, and {A} <run> off the stage.',
      ],
    },
    {
      trouble: [
        '{A~} <forget> the words after the first line.',
        'Suddenly {A.poss} hands <they.shake>, and {A.he} <can> not play.',
      ],
      because: ['There <they.be> too many faces in {P}.', '{A~} <have> not slept for {m} nights.'],
      good: [
        '{B} <B.whisper> the next line, and all <it.be> well.',
        '{A~} <close> {A.his} eyes, <think> of the sea and <begin> again.',
      ],
      bad: [
        '{B} <B.play> on alone and <not.look> at {A.obj}.',
        'The silence <it.be> long, and then somebody <it.hiss>.',
      ],
    },
  ],
  ends: {
    good: [
      'The people <they.stand> up and <they.clap>, and {A} <be> [glad].',
      '"Play it once more!" they <they.call>, and {A} <play> it {m} times.',
      'For weeks {town} <it.hum> the song that {A} and {B} <they.have> played.',
    ],
    bad: [
      '{A} <put> {T} back into its case and <not.open> it for {n} weeks.',
      'Nobody <it.clap>, and {A} <be> [sad].',
      '"That was the worst concert of the year," {C} <C.say>.',
    ],
  },
};
