import type { ServerAnswer } from "@talkwire/client";
import { pauseAfter } from "@talkwire/client/parts";
import { useEffect, useEffectEvent } from "react";
import type { Api } from "../../server/api";

/** Asks a server again that could not be reached: after growing pauses, and at once when the network returns. */
export function useLateServer(api: Api, isAway: boolean, onAnswer: (server: ServerAnswer) => void): void {
  const answered = useEffectEvent(onAnswer);
  useEffect(() => {
    if (!isAway) return;
    let isOver = false;
    let failures = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (refusal?: unknown): void => {
      clearTimeout(timer);
      if (!isOver) timer = setTimeout(ask, pauseAfter(failures++, refusal));
    };
    const ask = (): void => void api.describeServer().then((server) => isOver || answered(server), wait);
    wait();
    addEventListener("online", ask);
    return () => {
      isOver = true;
      clearTimeout(timer);
      removeEventListener("online", ask);
    };
  }, [api, isAway]);
}
