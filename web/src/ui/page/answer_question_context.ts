import { type ComponentType, createContext } from "react";

export interface AnswerQuestionProps {
  /** The conversation's id. */
  id: string;
  threadId: string | undefined;
  /** Whether something is written, attached or recorded in the message field. */
  isBegun: boolean;
}

/** What the desk asks members of teams above the message field, which is a layer below the desk. */
export const AnswerQuestionContext = createContext<ComponentType<AnswerQuestionProps>>(() => null);
