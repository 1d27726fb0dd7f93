import { type ComponentType, createContext } from "react";

/** What is above the first message of a conversation. It opens dialogs, which are a layer above the messages. */
export const BeginningContext = createContext<ComponentType<{ id: string }>>(() => null);
