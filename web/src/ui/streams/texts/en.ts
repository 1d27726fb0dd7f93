/** What parts of messages say in English. A translation is another object of this shape. */

import type { Translated } from "../../../languages/translation";

export const english = {
  /** Of an agent, now and after it. */
  thinking: "Thinking…",
  reasoning: "Reasoning",
  /** Of an agent that works on an answer, and what it does if it has said so. */
  working: (name: string) => `${name} is working…`,
  doing: (name: string, label: string) => `${name}: ${label}`,
  tool: {
    states: {
      running: "running…",
      done: "done",
      failed: "failed",
      denied: "denied",
      waits: "waits for approval",
      unfinished: "not finished",
    },
    input: "Input",
    output: "Output",
  },
  plan: {
    title: "Plan",
    done: (done: number, all: number) => `${done} of ${all} done`,
    states: { pending: "To do", in_progress: "In progress", complete: "Done", error: "Failed" },
  },
  sources: { title: "Sources", message: "Message", file: "File" },
  /** Of a message. */
  writing: "Being written",
  stop: "Stop",
  stopping: "Stopping…",
  ends: {
    stopped: "Stopped.",
    interrupted: "The answer broke off.",
    /** `why`: empty where the author gives no reason. */
    failed: (why: string) => (why === "" ? "The answer failed." : `The answer failed: ${why}`),
  },
};

/** A missing text and one that English does not have are type errors. */
export type StreamTexts = Translated<typeof english>;
