import { createContext } from "react";

/** Whether what is shown stands in a thread's panel, and not among the conversation's messages. */
export const ThreadContext = createContext(false);
