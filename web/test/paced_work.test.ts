import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PacedWork } from "../src/ui/markdown/paced_work";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("work in a row has 50 ms, and the rest of it is done after pauses, in order", () => {
  const done: number[] = [];
  const paced = new PacedWork();
  for (let each = 0; each < 10; each++)
    paced.add(() => {
      done.push(each);
      vi.advanceTimersByTime(20);
    });
  expect(done).toEqual([0, 1, 2]);
  vi.advanceTimersByTime(500);
  expect(done).toEqual([0, 1, 2, 3, 4, 5]);
  vi.advanceTimersByTime(2_000);
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it("work that follows a pause is done at once", () => {
  const done: string[] = [];
  const paced = new PacedWork();
  paced.add(() => vi.advanceTimersByTime(100));
  paced.add(() => done.push("waits"));
  expect(done).toEqual([]);
  vi.advanceTimersByTime(500);
  paced.add(() => done.push("follows"));
  expect(done).toEqual(["waits", "follows"]);
});
