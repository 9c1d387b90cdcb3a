"""The same model in transformers + PyTorch: answers each line of stdin with the milliseconds of one pass.

Lines: "full" (logits of every position, as a user calls the model), "capture N" (the residual after block N the way
users get it: output_hidden_states=True on the full forward), "hook N" (the same by a forward hook on block N).
"""

import sys
import time

import torch
import transformers

folder, rows, tokens, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
count = rows * tokens
ids = torch.tensor([(i * 7919) % model.config.vocab_size for i in range(count)]).reshape(rows, tokens)
print(f"transformers {transformers.__version__}, torch {torch.__version__}, attention {model.config._attn_implementation}", flush=True)

for line in sys.stdin:
    what, *rest = line.split()
    kept = []
    began = time.perf_counter()
    with torch.inference_mode():
        if what == "full":
            logits = model(input_ids=ids, use_cache=False).logits
            kept.append(logits[:, :, 0])
        elif what == "capture":
            hidden = model(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
            kept.append(hidden[int(rest[0]) + 1])
        elif what == "hook":
            def keep(_module, _inputs, output):
                kept.append(output[0] if isinstance(output, tuple) else output)
            handle = model.model.layers[int(rest[0])].register_forward_hook(keep)
            model(input_ids=ids, use_cache=False)
            handle.remove()
        elif what == "values":
            out = model(input_ids=ids, use_cache=False, output_hidden_states=True)
            hidden = out.hidden_states[int(rest[0]) + 1].reshape(-1)[:8].tolist()
            nll = torch.nn.functional.cross_entropy(out.logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())
            print(*hidden, nll.item(), flush=True)
            continue
    print((time.perf_counter() - began) * 1000, flush=True)
