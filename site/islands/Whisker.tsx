import { type WhiskerScale, whisker } from '../charts/whisker.ts';
import type { ScoreCell } from '../lib/leaderboard.ts';

const HEIGHT = 10;
/** Room for the marker at either end. */
const PAD = 4;

/** A value with its interval drawn on a scale; a hollow point says that no interval is known. */
export function Whisker({ cell, scale }: { cell: ScoreCell; scale: WhiskerScale }) {
  const [value, low, high] = cell;
  if (typeof value !== 'number') return null;
  const at = whisker(scale, value, low ?? null, high ?? null);
  const middle = HEIGHT / 2;
  return (
    <svg
      className="whisker"
      width={scale.width + 2 * PAD}
      height={HEIGHT}
      viewBox={`${-PAD} 0 ${scale.width + 2 * PAD} ${HEIGHT}`}
      aria-hidden="true"
      focusable="false"
    >
      <line className="track" x1={0} x2={scale.width} y1={middle} y2={middle} />
      {at.low !== null && at.high !== null ? (
        <>
          <path
            className="range"
            d={`M${at.low} ${middle}H${at.high}M${at.low} ${middle - 3}v6M${at.high} ${middle - 3}v6`}
          />
          <circle className="point" cx={at.point} cy={middle} r={3} />
        </>
      ) : (
        <circle className="point hollow" cx={at.point} cy={middle} r={2.75} />
      )}
    </svg>
  );
}
