/** The last values of a figure, for a small line beside it. */

export const SAMPLES_MAX = 60;

/** A line of fewer values than these starts in the middle. */
const SAMPLES_MIN = 20;

export function withSample(samples: readonly number[], value: number): readonly number[] {
  return [...samples, value].slice(-SAMPLES_MAX);
}

/** Returns the points of a line through the values, in a box of this size. The newest value is at its end. */
export function pointsOf(samples: readonly number[], width: number, height: number): string {
  if (samples.length < 2) return "";
  const most = Math.max(...samples, 1);
  const step = width / (Math.max(samples.length, SAMPLES_MIN) - 1);
  const start = width - step * (samples.length - 1);
  return samples.map((value, at) => `${round(start + at * step)},${round(height - (value / most) * height)}`).join(" ");
}

const round = (value: number): number => Math.round(value * 10) / 10;
