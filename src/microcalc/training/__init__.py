"""Training: a recipe and a data set with truth in, a model package out.

- any recipe: ``run`` (the job), ``job``, ``steps``, ``overrides`` (values changed by hand), ``card``, ``tables``,
  ``calibrations``, ``smoke_studies``; ``sweep``, ``search``, ``sweep_records`` and ``sweep_page`` compare recipes with
  other values
- any detector, on a part of the data: ``scan`` (its marks, and which are true), ``measure``, ``part_figures``; what
  the cards of all say: ``detector_card``
- detectors that are looked at on whole mammograms once they are fitted: ``phases`` (of such a run), ``assessment``
  (calibration and points from validation, then the test part)
- cascade (``cascade_run``): ``samples``, ``pool``, ``haar_selection``, ``classifiers``, ``grid``, ``stages``,
  ``systems``, ``figures``, ``cascade_card``
- segmenter (``segmenter_run``): ``draws`` (what windows are) and ``bank_draws``, ``window_batches``, ``map_loss``,
  ``map_fit``, ``segmenter_card``
- patch map (``patch_map_run``), of classifiers that are trained already: ``patch_map_card``
- Faster R-CNN (``faster_rcnn_run``): ``marked_patches``, ``box_history`` (AP and AR, epoch by epoch),
  ``faster_rcnn_fit``, ``faster_rcnn_card``
- fine-tuning a segmenter (``finetune``): ``finetune_parts``, ``inserted``, ``targets`` (what is asked of every pixel),
  ``view_cache``, ``image_draws``, ``finetune_steps``, ``finetune_verdict``
- networks on patches, classifiers and multi-task segmenters alike (``patch_run``), in the order in which they are at
  work:
    - patches: ``parts``, ``sampling``, ``loading``, ``augment`` and its ``augment_operations``, ``normalise_tensor``;
      ``smoke_patches``
    - fitting: ``fit``, ``devices``, ``module``, ``tasks`` (what each kind of network is asked for), ``losses``,
      ``multi_task_loss``, ``optimising``, ``epoch_end``, ``history``, ``checkpoints``, ``logs``, ``memory``, ``relay``
    - what came of it: ``predictions``, ``questions``, ``marks`` (of networks that outline), ``scoring``, ``contrast``,
      ``patch_strata``, ``classifier_numbers``, ``beside`` (the paper's table), ``outcome``, and
      ``classifier_records``, ``_figures``, ``_report``, ``_card``
"""
