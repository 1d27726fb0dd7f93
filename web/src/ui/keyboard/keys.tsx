import { keyNames } from "./key_names";

/** The keys of a shortcut, drawn like those of a keyboard. */
export function Keys({ keys }: { keys: string }) {
  return keyNames(keys).map((name) => <kbd key={name}>{name}</kbd>);
}
