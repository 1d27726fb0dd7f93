import { Lightbulb } from "lucide-react";
import { asWritten } from "../markdown/markdown_blocks";
import { Fold } from "./fold";
import { GrowingText } from "./growing_text";
import { streamTexts } from "./texts";

interface Props {
  id: string;
  text: string;
  isGrowing: boolean;
}

/** What an agent has considered, or considers now. */
export function Reasoning({ id, text, isGrowing }: Props) {
  return (
    <Fold id={id} icon={Lightbulb} title={isGrowing ? streamTexts.thinking : streamTexts.reasoning}>
      {() => <GrowingText text={text} isGrowing={isGrowing} textOf={asWritten} />}
    </Fold>
  );
}
