import type { Topic } from './topic.ts';

export const travel: Topic = {
  name: 'travel',
  places: ['the station', 'the mountain road', 'the bus', 'the bridge', 'the inn by the road'],
  things: ['suitcase', 'map', 'ticket', 'backpack', 'umbrella', 'tent', 'walking stick'],
  adjectives: ['brown', 'heavy', 'old', 'torn', 'large', 'lost', 'leather', 'light'],
  goods: ['stamps', 'stones', 'apples', 'coins', 'shells', 'plums'],
  wants: [
    '{A} <want> to travel from {town} to {town2}, which <it.take> {n} hours.',
    '{A} <have> never left {town}, but now {A.he} <pack> {T.a} for a long journey.',
    '{A} and {B} <they.plan> to cross the mountains on foot with nothing but {T.a}.',
    '{A} <wait> at {P} for the train to {town2}, and {T.a} <it.stand> beside {A.him}.',
    '{A} <have> to be in {town2} before Sunday, because {C} <C.get> married there.',
  ],
  steps: [
    [
      '{A~} <buy> two tickets for {n} coins and <put> them into {A.his} pocket.',
      'The road <it.lead> through (a dark forest|wide fields|a narrow valley), and {A~} <carry> {T}.',
      'On the train an old (man|woman) <it.ask> where they <they.go>. "To {town2}," {A} <say>.',
      '{A~} <sit> by the window and <count> {n} bridges.',
    ],
    [
      '"How far is it?" {B} <ask>. "Another {m} miles," {A} <answer>.',
      '"Did you lock the door?" {B} <ask>. "(Yes, twice|I think so|No, I thought you did)," {A} <say>.',
      'After {m} of the {n} miles they <they.rest>, and {r} miles <they.be> still before them.',
      '{B} <not.trust> the map, so they <they.ask> a shepherd for the way.',
      'At noon they <they.eat> {food} by the road and <they.share> it with a dog.',
    ],
    [
      'In the evening they <they.come> to an inn, where a room <it.cost> {m} coins.',
      '{B} <B.fall> asleep with {B.his} head on {T}.',
      'From the top of the hill they <they.see> the lights of {town2} for the first time.',
      '{B} <B.send> a card to {C.obj}: "We are well, and the food is (+wonderful|-terrible)."',
    ],
  ],
  troubles: [
    {
      trouble: [
        'When they <they.get> off, {T} <it.be> not there.',
        'Near {P} {A~} <notice> that {T} <it.be> gone.',
      ],
      because: [
        'It <it.be> still on the train, which <it.be> on its way to the sea.',
        '{B} <B.have> left it at the last inn.',
      ],
      good: [
        'A boy <it.have> found it and <it.run> after them to give it back.',
        'The guard <it.send> a message, and the next train <it.bring> it.',
      ],
      bad: [
        'They <they.ask> everyone, but nobody <it.have> seen it.',
        'They <they.go> back for it, and so they <they.miss> the last bus.',
      ],
    },
    {
      trouble: [
        'At the river the bridge <it.be> closed.',
        'They <they.come> to a fork that <it.be> not on the map.',
      ],
      because: ['The flood <it.have> taken away {m} of its {n} arches.', 'The map <it.be> {n} years old.'],
      good: [
        'A farmer <it.take> them across in his boat and <it.want> nothing for it.',
        '{B} <B.remember> the tower on the left, and that <it.be> the right way.',
      ],
      bad: [
        'They <they.take> the wrong road and <they.walk> all night in the cold.',
        'They <they.have> to turn back, and the whole journey <it.be> for nothing.',
      ],
    },
  ],
  ends: {
    good: [
      'At last they <they.reach> {town2}, and {C} <C.wait> for them with open arms.',
      '"I could go on like this for another {n} days," {A} <say>.',
      '{A} <be> [glad] to have seen so much, and {B} <feel> the same.',
    ],
    bad: [
      'They <they.come> to {town2} a day too late, and {C} <C.be> gone.',
      '{A} <be> [sad] and <wish> that {A.he} <have> stayed at home.',
      '"Never again," {B} <B.say>, and {B.his} feet <they.hurt>.',
    ],
  },
};
