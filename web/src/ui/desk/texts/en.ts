/** What the desk says in English. A translation is another object of this shape. */

import { wordingOf } from "../../../languages/wording";

const { counted } = wordingOf("en");

export const english = {
  title: "Desk",
  team: "Team",
  back: "All conversations",
  /** Behind the button that opens the desk: how many conversations wait. */
  waitingCount: (count: number) => counted(count, { one: "conversation waits", other: "conversations wait" }),
  tabs: { waiting: "Waiting", mine: "Mine", all: "All", closed: "Closed" },
  none: {
    waiting: "Nobody is waiting.",
    mine: "You handle no conversation.",
    all: "No conversation is open.",
    closed: "No conversation is closed.",
  },
  /** `time`: such as “5 minutes”. */
  waitingFor: (time: string) => `Waiting for ${time}`,
  lessThanAMinute: "less than a minute",
  closed: "Closed",
  unhandled: "Nobody handles this",
  youHandle: "You handle this",
  handledBy: (name: string) => `${name} handles this`,
  /** A colleague of whom no name is known. */
  somebody: "A colleague",
  take: "Take",
  takeOver: "Take over",
  release: "Release",
  close: "Close",
  actions: "Who handles this conversation",
  /** The reader wanted the conversation too. */
  takenBy: (name: string) => `${name} was faster and handles this conversation now.`,
  releasedMeanwhile: "Nobody handles this conversation any more. You can take it.",
  handOver: {
    action: "Hand over",
    title: "Hand over the conversation",
    find: "Find colleagues and teams",
    people: "Colleagues",
    teams: "Teams",
    /** What a team gets, as opposed to a person. */
    teamHint: "Any member can take it.",
    noneFound: "No colleague and no team has this name.",
    note: "Note for the next one (customers do not see it)",
    done: (name: string) => `Handed over to ${name}.`,
  },
  /** A colleague was faster than the reader's answer. The beginning of the colleague's text follows `answered`. */
  collided: {
    title: "Your answer",
    answered: (name: string) => `${name} answered meanwhile:`,
    handles: (name: string) => `${name} handles this conversation now.`,
    question: "Send yours anyway?",
    send: "Send anyway",
    keep: "Keep as draft",
  },
  notes: {
    title: "Notes",
    hint: "Only the team sees these notes, customers never do.",
    none: "No notes yet.",
    write: "Write a note…",
    field: "Note",
    send: "Add note",
    unread: (count: number) => counted(count, { one: "new note", other: "new notes" }),
    /** What a colleague did, and that a customer has written again. */
    lines: {
      claim: (by: string) => `${by} took the conversation.`,
      takeOver: (by: string, from: string) => `${by} took the conversation over from ${from}.`,
      release: (by: string) => `${by} released the conversation.`,
      handoff: (by: string, to: string) => `${by} handed the conversation over to ${to}.`,
      close: (by: string) => `${by} closed the conversation.`,
      reopen: (by: string) => `${by} wrote again, so the conversation is open.`,
    },
  },
  /** The headings of keyboard shortcuts. */
  keys: {
    desk: "Open the desk",
    next: "Next waiting conversation",
    previous: "Previous waiting conversation",
    take: "Take the conversation",
    close: "Close the conversation",
    note: "Notes of the conversation",
  },
};

type Translated<T> = T extends string
  ? string
  : T extends (...values: infer Values) => string
    ? (...values: Values) => string
    : { readonly [Name in keyof T]: Translated<T[Name]> };

/** A missing text and one that English does not have are type errors. */
export type DeskTexts = Translated<typeof english>;
