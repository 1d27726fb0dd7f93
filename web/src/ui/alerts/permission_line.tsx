import { useState } from "react";
import { texts } from "../../texts";
import { permission, turnOff, turnOn } from "./browser_notifications";
import "./permission_line.css";

/**
 * Shows whether the browser shows notifications on this device. The browser asks only when the reader turns them on.
 */
export function PermissionLine() {
  const [state, setState] = useState(permission);
  const { states, turnOn: on, turnOff: off } = texts.alerts.browser;
  return (
    <p className="permission" role="status">
      <span>{states[state]}</span>
      {(state === "ask" || state === "off") && (
        <button type="button" onClick={() => void turnOn().then(setState)}>
          {on}
        </button>
      )}
      {state === "on" && (
        <button type="button" className="quiet" onClick={() => setState(turnOff())}>
          {off}
        </button>
      )}
    </p>
  );
}
