import { cpuUsage, env } from "node:process";

/** Whether `make measure` runs the tests, alone on the machine. */
export const measures: boolean = env.MEASURE !== undefined;

/** Returns the processor time that work takes. */
export function processorMs(work: () => void): number {
  const before = cpuUsage();
  work();
  const { user, system } = cpuUsage(before);
  return (user + system) / 1_000;
}
