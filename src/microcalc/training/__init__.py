"""Training: a recipe and a data set with truth in, a model package out.

- any recipe: ``run`` (the job), ``job``, ``steps``, ``overrides`` (values changed by hand), ``card``, ``tables``,
  ``calibrations``; ``sweep``, ``search``, ``sweep_records`` and ``sweep_page`` compare recipes with other values
- cascade (``cascade_run``): ``samples``, ``pool``, ``haar_selection``, ``classifiers``, ``grid``, ``stages``,
  ``systems``, ``measure``, ``figures``, ``cascade_card``; ``smoke_studies``
- patch networks (``patch_run``), in the order in which they are at work:
    - patches: ``parts``, ``sampling``, ``loading``, ``augment`` and its ``augment_operations``, ``normalise_tensor``;
      ``smoke_patches``
    - fitting: ``fit``, ``devices``, ``module``, ``losses``, ``optimising``, ``epoch_end``, ``history``,
      ``checkpoints``, ``logs``, ``memory``, ``relay``
    - what came of it: ``predictions``, ``questions``, ``contrast``, ``patch_strata``, ``classifier_numbers``,
      ``beside`` (the paper's table), ``outcome``, and ``classifier_records``, ``_figures``, ``_report``, ``_card``
"""
