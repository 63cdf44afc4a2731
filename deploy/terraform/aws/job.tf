resource "aws_emrserverless_application" "this" {
  name          = var.name
  type          = "spark"
  release_label = var.release_label
  tags          = var.tags

  maximum_capacity {
    cpu    = "${var.maximum_cpu} vCPU"
    memory = "${4 * var.maximum_cpu} GB"
  }

  network_configuration {
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.job.id]
  }

  auto_start_configuration {
    enabled = true
  }

  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = 15
  }
}

data "aws_iam_policy_document" "job_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["emr-serverless.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_emrserverless_application.this.arn]
    }
  }
}

data "aws_iam_policy_document" "job" {
  statement {
    sid       = "ListTheBucket"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [aws_s3_bucket.this.arn]
  }

  statement {
    sid       = "ReadDeliveriesAndArtefacts"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.this.arn}/deliveries/*", "${aws_s3_bucket.this.arn}/artefacts/*"]
  }

  statement {
    sid       = "WriteOutcomesAndLogs"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.this.arn}/outcomes/*", "${aws_s3_bucket.this.arn}/logs/*"]
  }

  statement {
    sid       = "ReadTheDatabaseUrl"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.database_url.arn]
  }
}

resource "aws_iam_role" "job" {
  name               = "${var.name}-job"
  assume_role_policy = data.aws_iam_policy_document.job_trust.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "job" {
  name   = "load"
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.job.json
}

# For who submits: attach it to a person's or a scheduler's role.
data "aws_iam_policy_document" "submit" {
  statement {
    sid       = "SubmitAndFollow"
    actions   = ["emr-serverless:StartJobRun", "emr-serverless:GetApplication"]
    resources = [aws_emrserverless_application.this.arn]
  }

  statement {
    sid       = "FollowAndCancel"
    actions   = ["emr-serverless:GetJobRun", "emr-serverless:CancelJobRun", "emr-serverless:GetDashboardForJobRun"]
    resources = ["${aws_emrserverless_application.this.arn}/jobruns/*"]
  }

  statement {
    sid       = "ListTheBucket" # without it S3 refuses to say that an artefact is not there yet
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.this.arn]
  }

  statement {
    sid       = "UploadArtefacts"
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = ["${aws_s3_bucket.this.arn}/artefacts/*"]
  }

  statement {
    sid       = "ReadOutcomes"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.this.arn}/outcomes/*"]
  }

  statement {
    sid       = "HandTheRoleToTheJob"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.job.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["emr-serverless.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "submit" {
  name   = "${var.name}-submit"
  path   = "/"
  policy = data.aws_iam_policy_document.submit.json
  tags   = var.tags
}
