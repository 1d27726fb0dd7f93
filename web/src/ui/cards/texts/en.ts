/** What cards say in English. A translation is another object of this shape. */

import type { Translated } from "../../../languages/translation";
import { wordingOf } from "../../../languages/wording";

const { counted } = /* @__PURE__ */ wordingOf("en");

export const english = {
  poll: "Poll",
  decision: "Decision",
  /** Of a card that waits for the reader. */
  yourDecision: "Your decision is needed",
  several: (max: number) => `up to ${max} answers`,
  hiddenNames: "anonymous",
  closedResults: "results at the end",
  votes: (count: number) => counted(count, { one: "vote", other: "votes" }),
  who: "Who chose what",
  nobody: "Nobody yet",
  until: (time: string) => `until ${time}`,
  /** How many have chosen an action, of those it needs. */
  progress: (label: string, count: number, needed: number) => `${label}: ${count} of ${needed}`,
  asked: (names: string) => `Asked: ${names}`,
  youChose: (label: string) => `You chose “${label}”`,
  states: {
    open: "Open",
    decided: (label: string) => `Decided: ${label}`,
    closed: "Closed",
    cancelled: "Cancelled",
    expired: "Expired",
    superseded: "Replaced by a newer one",
    unreachable: "Cannot be decided any more",
  },
  by: (names: string) => `by ${names}`,
  opensLink: (label: string) => `${label} (opens a link)`,
  comment: "Comment (optional)",
  final: "Your choice is final.",
  over: "The decision has ended.",
  yes: "Yes",
  no: "No",
  choose: "Choose…",
  closeQuestion: "Close this poll?",
  closeHint: "Nobody can vote any more, and everyone sees the result.",
  cancelQuestion: "Cancel this request?",
  cancelHint: "Nobody can decide about it any more.",
  nothingWaits: "Nothing waits for your decision.",
  someWait: (shown: number, count: number) => `The newest ${shown} of ${count}`,
  form: {
    question: "Question",
    options: "Answers",
    optionOf: (number: number) => `Answer ${number}`,
    add: "Add an answer",
    remove: (number: number) => `Remove answer ${number}`,
    several: "Allow several answers",
    hidden: "Hide who votes for what",
    closed: "Show results at the end only",
    ends: "Ends",
    endings: {
      never: "When it is closed",
      hour: "In an hour",
      day: "In a day",
      threeDays: "In three days",
      week: "In a week",
    },
    send: "Create poll",
    tooFew: "A poll has at least two answers.",
    same: "Two answers are the same.",
  },
};

/** A missing text and one that English does not have are type errors. */
export type CardTexts = Translated<typeof english>;
