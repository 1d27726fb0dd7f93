import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { useChat } from "../chat_context";

const CallLayer = lazy(() => import("./call_layer"));

/** The current call; the first call loads the code for it. */
export function CallGate() {
  const hasCall = useStore(useChat().calls.state, ({ phase }) => phase !== "idle");
  if (!hasCall) return null;
  return (
    <Suspense>
      <CallLayer />
    </Suspense>
  );
}
