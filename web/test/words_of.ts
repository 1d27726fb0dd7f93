/**
 * Returns all texts of a translation by their path. `given` returns the values for the texts that have some, by the text's
 * path and how many it has.
 */
export function wordsOf(
  value: unknown,
  given: (path: string, count: number) => readonly unknown[],
  path = "",
): Map<string, string> {
  if (typeof value === "string") return new Map([[path, value]]);
  if (typeof value === "function") return new Map([[path, value(...given(path, value.length))]]);
  return new Map(
    Object.entries(value as object).flatMap(([name, each]) => [
      ...wordsOf(each, given, path === "" ? name : `${path}.${name}`),
    ]),
  );
}
