/** The sounds, each a small file of our own (web/sounds). */

import bell from "../../../sounds/bell.wav";
import chime from "../../../sounds/chime.wav";
import drop from "../../../sounds/drop.wav";
import knock from "../../../sounds/knock.wav";
import ring from "../../../sounds/ring.wav";
import ringback from "../../../sounds/ringback.wav";

/** What a notification can sound like; the first is what the server calls `default`. */
export const SOUNDS = ["drop", "chime", "knock", "bell"] as const;

const FILES: Readonly<Record<string, string>> = { drop, chime, knock, bell, ring, ringback };
const played = new Map<string, Promise<string>>();

/** The sound of that name; for a name that another client has made up, the usual one. */
export function knownSound(name: string): string {
  return Object.hasOwn(FILES, name) ? name : SOUNDS[0];
}

/** Plays it once. Before somebody has touched the page browsers play nothing, and there is no harm in that. */
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

/** Plays it again and again. Answers what ends that. */
export function repeat(name: string, everyMs: number): () => void {
  void play(name);
  const timer = setInterval(() => void play(name), everyMs);
  return () => clearInterval(timer);
}

/** A whole file in memory: some browsers play from an address only what can be asked for in pieces. */
function fetched(sound: string): Promise<string> {
  const before = played.get(sound);
  if (before !== undefined) return before;
  const address = fetch(FILES[sound] ?? drop)
    .then((answer) => answer.blob())
    .then((blob) => URL.createObjectURL(blob));
  played.set(sound, address);
  return address;
}
