import { changedIn, isInDeletedThread, isReplyToDeleted, type OutboxEntry } from "@talkwire/client/parts";
import { Clock } from "lucide-react";
import { texts } from "../../texts";
import { clockTime } from "../../time_format";
import { useSecondsUntil, useSlowMode } from "../composer/use_slow_mode";
import { unsentText } from "../files/problem_text";
import { useChat, useChatState } from "../page/chat_context";

/** A clock in the place of the tick that says that the server has the message. */
export function WaitingTick() {
  const label = useChatState(({ connected }) => (connected ? texts.sending : texts.waitingForConnection));
  return (
    <small className="tick waiting" role="img" aria-label={label} title={label}>
      <Clock className="icon" />
    </small>
  );
}

/** How long slow mode delays a message. Screen readers do not announce each second. */
export function Delay({ entry }: { entry: OutboxEntry }) {
  const sendsAt = useSlowMode(entry.conversationId)?.entries.get(entry.clientMessageId) ?? 0;
  const isConnected = useChatState(({ connected }) => connected);
  const waitsS = useSecondsUntil(sendsAt);
  if (waitsS === 0 || !isConnected) return null;
  return (
    <p className="slowed" role="timer" aria-live="off">
      {texts.slowMode.messageWaits(clockTime(waitsS * 1_000))}
    </p>
  );
}

/** Why the server refused a message or a change of one, and what can be done. */
export function Refused({ entry }: { entry: OutboxEntry }) {
  const { messages } = useChat();
  // The desk asks above the message field whether it is sent.
  const isAsked = useChatState(({ teams }) => teams.length > 0) && changedIn(entry.problemDetails) !== null;
  if (isAsked) return null;
  const reason = unsentText(entry);
  return (
    <p className="problem" role="alert">
      {entry.change === undefined ? texts.notSent(reason) : texts.notSaved(reason)}{" "}
      <button type="button" className="quiet" onClick={() => messages.retry(entry.clientMessageId)}>
        {retryLabel(entry)}
      </button>
      <button type="button" className="quiet" onClick={() => messages.discard(entry.clientMessageId)}>
        {texts.discard}
      </button>
    </p>
  );
}

function retryLabel(entry: OutboxEntry): string {
  if (isInDeletedThread(entry)) return texts.sendToConversation;
  return isReplyToDeleted(entry) ? texts.sendWithoutReply : texts.retry;
}
