import { own } from "@talkwire/client/parts";
import { useEffect } from "react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { repeat } from "../alerts/sounds";
import { nameOf, partnerOf } from "../components/conversation_names";
import { useChat, useChatState } from "../page/chat_context";
import { CallWindow } from "./call_window";
import { ElsewhereQuestion } from "./elsewhere_question";
import { Ringing, SilentRinging } from "./ringing";
import { useDoNotDisturb, useRinging } from "./use_ringing";
import "./call_layer.css";

const RINGBACK_MS = 3_000;

/** An incoming call, or the current one, in front of everything else. */
export default function CallLayer() {
  const { calls } = useChat();
  const state = useStore(calls.state);
  const conversationId = state.phase === "idle" ? "" : state.call.conversationId;
  const name = useChatState(({ conversations }) => {
    const conversation = own(conversations, conversationId);
    return conversation === undefined ? texts.calls.somebody : nameOf(conversation);
  });
  const face = useChatState(({ conversations, me }) => {
    const conversation = own(conversations, conversationId);
    return (conversation && partnerOf(conversation, me)?.userId) ?? conversationId;
  });
  const picture = useChatState(({ conversations }) => own(conversations, conversationId)?.avatar);
  const isPlace = useChatState(({ conversations }) => {
    const kind = own(conversations, conversationId)?.kind;
    return kind !== undefined && kind !== "direct";
  });
  const callId = state.phase === "incoming" ? state.call.callId : null;
  const isQuiet = useDoNotDisturb(callId);
  useRinging(isQuiet === false ? callId : null, name, conversationId);
  useEffect(() => (state.phase === "outgoing" ? repeat("ringback", RINGBACK_MS) : undefined), [state.phase]);
  if (state.phase === "idle") return null;
  if (state.phase === "incoming") {
    if (isQuiet === null) return null;
    const Kind = isQuiet ? SilentRinging : Ringing;
    return <Kind call={state.call} name={name} face={face} picture={picture} isPlace={isPlace} />;
  }
  if (state.phase === "over" && state.ending === "elsewhere") return <ElsewhereQuestion name={name} />;
  return <CallWindow state={state} name={name} face={face} picture={picture} isPlace={isPlace} />;
}
