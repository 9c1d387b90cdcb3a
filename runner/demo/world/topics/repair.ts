import type { Topic } from './topic.ts';

export const repair: Topic = {
  name: 'repair',
  places: ['the workshop', 'the forge', 'the clock shop', 'the shed', 'the yard'],
  things: ['clock', 'bicycle', 'cart', 'chair', 'radio', 'door lock', 'sewing machine'],
  adjectives: ['broken', 'old', 'rusty', 'heavy', 'noisy', 'strange', 'wooden', 'expensive'],
  goods: ['nails', 'ropes', 'buttons', 'coins', 'boxes', 'candles'],
  wants: [
    '{A} <own> {T.a} that <it.have> not worked for {n} years.',
    '{B} <B.bring> {T.a} to {P} and <ask> {A.obj} to mend it by Friday.',
    '{A} <find> {T.a} in the attic and <want> to make it work again.',
    '{A} <need> {n} nails and a good hammer to repair {T.a}.',
    '{A} <learn> the trade in {P}, and {T.a} <it.be> {A.his} first real task.',
  ],
  steps: [
    [
      '{A~} <take> {T} apart and <lay> the {n} pieces on a cloth.',
      'First {A~} <clean> {T} with oil and a brush.',
      '{A~} <shake> {T}, and something inside <it.rattle>.',
      '{B} <B.hold> the lamp while {A} <look> into {T}.',
    ],
    [
      '"What is wrong with it?" {B} <ask>. "(A spring is broken|A wheel is missing|It is only dirty)," {A} <say>.',
      '{A~} <use> {m} of the {n} {G} from the box; {r} <they.be> left.',
      '"Give me the hammer, please," {A} <say>. "It is {spot}," {B} <answer>.',
      '{B} <not.believe> that {T} <it.can> be saved, but {A} <try> it all the same.',
      '{C} <C.come> by and <give> {m} pieces of good advice, none of which <it.help>.',
    ],
    [
      '{A~} <turn> the last screw [slowly] and <hold> {A.his} breath.',
      'It <it.take> {n} hours, and {B} <bring> {food} in between.',
      'A small wheel <it.roll> under the table, and they <they.search> for it on their knees.',
      '{B} <B.paint> {T} [colour], so that it <it.look> like new.',
    ],
  ],
  troubles: [
    {
      trouble: [
        'When {A~} <put> everything together, one piece <it.be> left over.',
        '{A~} <try> {T}, but nothing <it.move>.',
      ],
      because: ['{A~} <have> forgotten the smallest wheel.', '{B} <B.have> mixed up two of the parts.'],
      good: [
        'So {A~} <begin> again from the start, and this time every piece <it.fit>.',
        '{C} <C.see> the mistake at once and <point> at it.',
      ],
      bad: [
        '{A~} <lose> patience and <hit> it, and then it <it.be> broken for good.',
        'No shop in {town} <it.sell> the part that <it.be> missing.',
      ],
    },
    {
      trouble: ['With a loud crack {T} <it.break> in two.', '{T} <it.fall> from the table to the floor.'],
      because: ['The wood <it.be> rotten inside.', '{B} <B.have> pulled too hard.'],
      good: [
        '{A~} <glue> it, <tie> it with a rope and <wait> until morning; it <it.hold>.',
        'The smith <it.make> a new piece out of iron for {m} coins.',
      ],
      bad: [
        '{B} <B.shout> at {A.obj} and <leave> {P} without paying.',
        'There <it.be> nothing to do but burn the pieces.',
      ],
    },
  ],
  ends: {
    good: [
      'Since then {T} <it.work> better than before, and {A} <be> [glad].',
      '{B} <B.pay> {n} coins, {m} more than they <they.have> agreed.',
      '"You can mend anything," {B} <B.say>.',
    ],
    bad: [
      '{T} <it.stay> {spot}, and nobody <it.speak> of it.',
      '{A} <give> the {n} coins back and <be> [sad].',
      '"I should have gone to somebody else," {B} <B.say>.',
    ],
  },
};
