/** The colours of portraits without a picture: white letters can be read on each. */
const COLOURS = [
  "#b42318",
  "#b54708",
  "#8a6100",
  "#4d7c0f",
  "#15803d",
  "#0f766e",
  "#0e7490",
  "#1d4ed8",
  "#4f46e5",
  "#7e22ce",
  "#a21caf",
  "#be185d",
] as const;

/** Where the hash begins: so that the places of the demo have colours that are far from each other. */
const SEED = 3_773;

/** Returns the colour of a user or a conversation. Ids that count up have different ones. */
export function portraitColour(id: string): string {
  let hash = SEED;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash, 31) + id.charCodeAt(at);
  // Spreads ids that differ in their last character over all bits.
  hash = Math.imul(hash ^ (hash >>> 16), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return COLOURS[((hash ^ (hash >>> 13)) >>> 0) % COLOURS.length] ?? COLOURS[0];
}
