import { createContext } from "react";

/** Whether the component is inside a thread's panel, and not among the conversation's messages. */
export const ThreadContext = createContext(false);
