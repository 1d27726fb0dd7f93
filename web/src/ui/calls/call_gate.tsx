import { Suspense } from "react";
import { useStore } from "zustand";
import { useChat } from "../chat_context";
import { lazyPart } from "../lazy_part";

const CallLayer = lazyPart(() => import("./call_layer"));

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
