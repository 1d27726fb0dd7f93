import { texts } from "../texts";

/** What the server calls everybody whose account was deleted. */
const ERASED_NAME = "Deleted user";

/** Gives deleted accounts their name in the reader's language, in an answer or event of the server. Changes it. */
export function named<T>(sent: T): T {
  if (texts.people.erasedName !== ERASED_NAME && isObject(sent)) nameIn(sent);
  return sent;
}

/** `areNames`: whether the part has only names, by the ids of their users. */
function nameIn(part: Part, areNames = false): void {
  // Pairs of keys and values would take four times as long: there may be many thousands of members.
  for (const key of Object.keys(part)) {
    const value = part[key];
    if (isObject(value)) nameIn(value, key === "names");
    else if (value === ERASED_NAME && (areNames || (key === "name" && isOfUser(part))))
      part[key] = texts.people.erasedName;
  }
}

type Part = Record<string, unknown>;

const isObject = (value: unknown): value is Part => typeof value === "object" && value !== null;

/** Direct conversations are called like the other user. Groups and files may be called anything. */
const isOfUser = ({ kind = "person", url }: Part): boolean => NAMED_LIKE_USERS.has(kind) && url === undefined;

const NAMED_LIKE_USERS = new Set<unknown>(["person", "agent", "direct"]);
