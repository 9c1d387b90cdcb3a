const MODEL_FILE =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|generation_config)\.json$|^chat_template\.jinja$/;
// Qwen3.5 and 3.6 name their shards model.safetensors-00001-of-00015.safetensors.
const WEIGHT_FILE = /^model(\.safetensors)?(-\d+-of-\d+)?\.safetensors$|^model\.safetensors\.index\.json$/;

/** What a language model is read from; other files of its repository are left where they are. */
export function isModelFile(path: string): boolean {
  return MODEL_FILE.test(path) || WEIGHT_FILE.test(path);
}
