"""Augmentation while training: flips, crops, scale and appearance that leave every sentence true.

``flip_words`` swaps left and right in a sentence, ``crop_words`` says what a sentence needs to stay in the picture,
``windows`` chooses and cuts crops, ``appearance`` changes the pixels, and ``batches`` puts them together for the
training loop. What is drawn depends on (seed, step, position) alone, so that a resumed run sees what it would have
seen. Evaluation never comes here.
"""
