import { useState } from "react";
import { useStore } from "zustand";
import { allow, disallow, permission } from "../../chat/alerts/permission";
import { texts } from "../../texts";
import { useChat } from "../page/chat_context";
import "./permission_line.css";

/**
 * Shows whether the browser shows notifications on this device, also while the page is closed. The browser asks only
 * when the reader turns them on.
 */
export function PermissionLine() {
  const { push } = useChat();
  const [state, setState] = useState(permission);
  const { id, problem } = useStore(push.state);
  const { states, pushed, problems, turnOn, turnOff } = texts.alerts.browser;
  const on = async (): Promise<void> => {
    const allowed = await allow();
    setState(allowed);
    if (allowed === "on") await push.subscribe();
  };
  const off = async (): Promise<void> => {
    setState(disallow());
    await push.unsubscribe();
  };
  const whenClosed = id !== null ? pushed : problem !== null && problems[problem];
  return (
    <p className="permission" role="status">
      <span>{[states[state], state === "on" && whenClosed].filter(Boolean).join(" ")}</span>
      {(state === "ask" || state === "off") && (
        <button type="button" onClick={() => void on()}>
          {turnOn}
        </button>
      )}
      {state === "on" && (
        <button type="button" className="quiet" onClick={() => void off()}>
          {turnOff}
        </button>
      )}
    </p>
  );
}
