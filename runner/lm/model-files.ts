const MODEL_FILE =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|generation_config|adapter_config)\.json$|^chat_template\.jinja$/;
// Qwen3.5 and 3.6 name their shards model.safetensors-00001-of-00015.safetensors.
const WEIGHT_FILE = /^model(\.safetensors)?(-\d+-of-\d+)?\.safetensors$|^model\.safetensors\.index\.json$/;
const TORCH_FILE = /^pytorch_model(-\d+-of-\d+)?\.bin$|^pytorch_model\.bin\.index\.json$/;

/**
 * What a language model is read from; other files of its repository are left where they are. Torch's files are, where
 * there are no others.
 *
 * @param all names of the repository's files
 */
export function isModelFile(path: string, all: readonly string[]): boolean {
  if (MODEL_FILE.test(path) || WEIGHT_FILE.test(path)) return true;
  return TORCH_FILE.test(path) && !all.some((name) => WEIGHT_FILE.test(name));
}
