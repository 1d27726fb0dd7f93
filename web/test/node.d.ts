/** What the tests use of Node, whose own types would replace those of browsers. */

declare module "node:process" {
  export const env: Readonly<Record<string, string | undefined>>;
  /** Returns the processor time since `before`, in microseconds. */
  export function cpuUsage(before?: ProcessorTime): ProcessorTime;
  export interface ProcessorTime {
    readonly user: number;
    readonly system: number;
  }
}

declare module "node:vm" {
  export function runInNewContext(code: string, globals: object, options: { timeout: number }): unknown;
}
