import { pointsOf } from "../data/samples";

const WIDTH = 120;
const HEIGHT = 28;

/** A small line of a figure's last values. The figure stands beside it. */
export function Sparkline({ samples }: { samples: readonly number[] }) {
  return (
    <svg
      className="admin-sparkline"
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polyline points={pointsOf(samples, WIDTH, HEIGHT)} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
