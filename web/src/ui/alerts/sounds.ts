/** The client's sounds, which web/sounds makes. */

import bell from "../../../sounds/bell.wav";
import chime from "../../../sounds/chime.wav";
import drop from "../../../sounds/drop.wav";
import knock from "../../../sounds/knock.wav";
import ring from "../../../sounds/ring.wav";
import ringback from "../../../sounds/ringback.wav";

/** The sounds for notifications; the first is the server's `default`. */
export const SOUNDS = ["drop", "chime", "knock", "bell"] as const;

const FILES: Readonly<Record<string, string>> = { drop, chime, knock, bell, ring, ringback };
const played = new Map<string, Promise<string>>();

/** Returns the sound with this name; the default for a name that another client has made up. */
export function knownSound(name: string): string {
  return Object.hasOwn(FILES, name) ? name : SOUNDS[0];
}

/** Plays a sound once. Browsers play nothing before the first click, which is no problem. */
export async function play(name: string): Promise<void> {
  const sound = knownSound(name);
  try {
    const audio = new Audio(await fetched(sound));
    audio.dataset.sound = sound;
    await audio.play();
  } catch {
    played.delete(sound);
  }
}

/** Repeats a sound. Returns a function that stops it. */
export function repeat(name: string, everyMs: number): () => void {
  void play(name);
  const timer = setInterval(() => void play(name), everyMs);
  return () => clearInterval(timer);
}

/** Loads the whole file into memory: some browsers play from a URL only if the server supports ranges. */
function fetched(sound: string): Promise<string> {
  const before = played.get(sound);
  if (before !== undefined) return before;
  const address = fetch(FILES[sound] ?? drop)
    .then((answer) => answer.blob())
    .then((blob) => URL.createObjectURL(blob));
  played.set(sound, address);
  return address;
}
