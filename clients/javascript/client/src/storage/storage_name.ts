/** Returns a name in the browser's storage that pages below other paths of the same origin do not use. */
export function storageName(name: string, base: string): string {
  const { pathname } = new URL("./", base);
  return pathname === "/" ? name : `${name} ${pathname}`;
}
