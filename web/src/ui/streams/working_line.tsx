import type { WorkingAgent } from "@talkwire/client";
import { useNameIn } from "../people/use_name_in";
import { streamTexts } from "./texts";

interface Props {
  id: string;
  agent: WorkingAgent;
  /** Whether nothing is before it in the line. */
  isFirst: boolean;
}

/** Says that an agent works on an answer in a conversation, and on what, if it has said so. */
export default function WorkingLine({ id, agent: { agentId, label }, isFirst }: Props) {
  const name = useNameIn(id, agentId);
  if (name === undefined) return null;
  return (
    <>
      {!isFirst && " · "}
      <bdi>{label === undefined ? streamTexts.working(name) : streamTexts.doing(name, label)}</bdi>
    </>
  );
}
