import type { Message } from "@talkwire/client";
import { may, own, roleOf } from "@talkwire/client/parts";
import { CircleStop } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { useChat, useChatState } from "../page/chat_context";
import { streamTexts } from "./texts";

interface Props {
  message: Message;
  /** Whether it has grown before the reader's eyes. Then the line stays, so that nothing moves at the end. */
  hasGrown: boolean;
}

/** The line below a message that is or was written while others read it: that it grows, or how it has ended. */
export function StreamFoot({ message, hasGrown }: Props) {
  const mayStop = useMayStop(message);
  const isGrowing = message.state === "streaming";
  const end = endOf(message);
  if (!hasGrown && end === undefined) return null;
  return (
    <div className={mayStop && hasGrown ? "stream-foot stoppable" : "stream-foot"}>
      {isGrowing && <span className="writing" role="img" aria-label={streamTexts.writing} />}
      {isGrowing && mayStop && <StopButton messageId={message.id} />}
      {end !== undefined && <p className={message.state}>{end}</p>}
    </div>
  );
}

/** Returns how a stream has ended, where the reader has to know. */
function endOf({ state, error }: Message): string | undefined {
  const { stopped, interrupted, failed } = streamTexts.ends;
  if (state === "failed") return failed(error?.message ?? "");
  return state === "stopped" ? stopped : state === "interrupted" ? interrupted : undefined;
}

/** Returns whether the reader may stop a stream, as far as the page knows: docs/streams.md has the rule. */
function useMayStop({ conversationId, senderId, replyTo, threadId, onBehalfOf }: Message): boolean {
  const thread = useStore(useChat().threads.state, (state) => state.thread);
  return useChatState(({ conversations, timelines, me }) => {
    const conversation = own(conversations, conversationId);
    if (senderId === me.id || conversation === undefined) return false;
    const root = thread?.root?.id === threadId ? thread?.root : undefined;
    const first = root ?? own(timelines, conversationId)?.messages.find(({ id }) => id === threadId);
    return (
      conversation.kind === "direct" ||
      (replyTo ?? first)?.senderId === me.id ||
      onBehalfOf === me.id ||
      may(conversation.kind, roleOf(conversation, me), "manage")
    );
  });
}

function StopButton({ messageId }: { messageId: string }) {
  const chat = useChat();
  const button = useRef<HTMLButtonElement>(null);
  const [isStopping, setStopping] = useState(false);
  // It disappears with the end of the stream. The message keeps the focus.
  useLayoutEffect(() => {
    const element = button.current;
    return () => {
      if (element !== null && document.activeElement === element)
        element.closest<HTMLElement>("[data-id]")?.focus({ preventScroll: true });
    };
  }, []);
  const stop = async (): Promise<void> => {
    if (isStopping) return;
    setStopping(true);
    try {
      await chat.client.core.call("message:stop", { messageId });
    } catch (error) {
      setStopping(false);
      chat.showNotice((error as Error).message);
    }
  };
  return (
    <button ref={button} type="button" className="stop reach" aria-disabled={isStopping} onClick={() => void stop()}>
      <CircleStop className="icon" aria-hidden="true" />
      {isStopping ? streamTexts.stopping : streamTexts.stop}
    </button>
  );
}
