import type { MessagePart } from "@talkwire/client";
import { Wrench } from "lucide-react";
import { Fold } from "./fold";
import { streamTexts } from "./texts";

const { tool: words } = streamTexts;

type ToolPart = Extract<MessagePart, { type: "tool" }>;

interface Props {
  id: string;
  tool: ToolPart;
  isGrowing: boolean;
}

/** An agent's use of a tool: how far it is, and when it is open what went in and came out. */
export function Tool({ id, tool, isGrowing }: Props) {
  const { name, title = name, input, output, error } = tool;
  const state = stateOf(tool, isGrowing);
  return (
    <Fold id={id} icon={Wrench} title={title} state={<span className={state}>{words.states[state]}</span>}>
      {() => (
        <>
          {title !== name && <code className="tool-name">{name}</code>}
          <Json label={words.input} value={input} />
          <Json label={words.output} value={output} />
          {error !== undefined && <p className="tool-error">{error}</p>}
        </>
      )}
    </Fold>
  );
}

type State = keyof typeof words.states;

function stateOf({ state }: ToolPart, isGrowing: boolean): State {
  switch (state) {
    case "output-available":
      return "done";
    case "output-error":
      return "failed";
    case "output-denied":
      return "denied";
    case "approval-requested":
      return isGrowing ? "waits" : "unfinished";
    default:
      return isGrowing ? "running" : "unfinished";
  }
}

function Json({ label, value }: { label: string; value: unknown }) {
  if (value === undefined) return null;
  return (
    <>
      <p className="json-label">{label}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is long is scrolled with the keyboard */}
      <pre className="json" tabIndex={0} dir="ltr">
        {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
      </pre>
    </>
  );
}
