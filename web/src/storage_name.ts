/** Returns a name in the browser's storage, which all chats of one origin share: those below other paths have others. */
export function storageName(name: string, base: string): string {
  const { pathname } = new URL("./", base);
  return pathname === "/" ? name : `${name} ${pathname}`;
}
