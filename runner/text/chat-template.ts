import { Template } from '@huggingface/jinja';
import { MalformedError, quote } from '../errors.ts';

export interface ChatMessage {
  role: string;
  content: string;
}

export type ApplyChat = (messages: readonly ChatMessage[], options: { thinking: boolean }) => string;

/**
 * A chat template (Jinja source) as a function. `thinking` reaches the template as `enable_thinking`; no generation
 * prompt is added. `tokens` are the special tokens that templates may name, such as `bos_token`.
 *
 * @param thing what to call the template in errors: its file and field.
 * @throws MalformedError when the template cannot be parsed, or when it fails on the messages.
 */
export function chatTemplate(
  source: string,
  tokens: Readonly<Record<string, string | null>>,
  thing: string,
): ApplyChat {
  let template: Template;
  try {
    template = new Template(source);
  } catch (cause) {
    throw malformed(thing, cause, 'a Jinja chat template');
  }
  return (messages, { thinking }) => {
    try {
      return template.render({
        ...tokens,
        messages,
        enable_thinking: thinking,
        add_generation_prompt: false,
      });
    } catch (cause) {
      throw malformed(thing, cause, 'a chat template that accepts these messages');
    }
  };
}

function malformed(thing: string, cause: unknown, expected: string): MalformedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const next = 'Check the template, or take the text from a source without conversations.';
  return new MalformedError({ thing, found: quote(reason), expected, next }, { cause });
}
